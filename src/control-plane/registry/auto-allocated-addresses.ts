// Virtual addresses for hosts of ServiceEntries that declare none, from the ranges that Istio uses: 240.240.0.0/16 and 2001:2::/48, which
// lead nowhere outside a proxy. A host's place is a hash of its namespace and name, so that most keep their address whatever comes and
// goes, and a restarted control plane gives out the same ones.

/** Hosts in the third and fourth byte; a byte of 255 and a fourth byte of 0 are left out, as in Istio. */
const PLACES = 255 * 254;
/** The largest prime below PLACES: a step that reaches every place. */
const PRIME = 64_769;

/** `hosts` are `namespace/host`; the same ones get the same addresses in whatever order they come. */
export function allocateAddresses(hosts: Iterable<string>): ReadonlyMap<string, readonly string[]> {
  const taken = new Set<number>();
  const result = new Map<string, readonly string[]>();
  for (const host of [...new Set(hosts)].sort()) {
    const place = freePlace(host, taken);
    // The ranges hold 64,770 hosts: who comes later has none, as if nobody had given it one.
    if (place === undefined) break;
    taken.add(place);
    const third = Math.floor(place / 254);
    const fourth = (place % 254) + 1;
    result.set(host, [`240.240.${third}.${fourth}`, `2001:2::f0f0:${((third << 8) | fourth).toString(16)}`]);
  }
  return result;
}

function freePlace(host: string, taken: ReadonlySet<number>): number | undefined {
  if (taken.size >= PLACES) return undefined;
  const hash = fnv1a(host);
  let place = hash % PLACES;
  const step = PRIME - (hash % PRIME);
  for (let tries = 0; tries < PLACES; tries++) {
    if (!taken.has(place)) return place;
    place = (place + step) % PLACES;
  }
  // The step shared a factor with the number of places: take the next free one.
  for (place = 0; taken.has(place); place++);
  return place;
}

/** FNV-1a, 32 bits. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text, "utf8")) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
