// Names by this machine's configuration, in the order of Envoy's resolver (c-ares): literals, the hosts file, DNS. node:dns has no hosts file
// and no search domains where it tells the time to live, and tells no time to live where it has them: so DNS is asked for the name as it
// is, and the C library (search domains, other sources of names) only for a name that DNS does not know.
import { lookup, NODATA, NOTFOUND, Resolver } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import { ipBytes } from "#proxy/codec/ip-address";
import type { DnsAddress, DnsAnswer, DnsLookupFamily, DnsResolver } from "./dns-resolver.ts";

type Family = 4 | 6;

const NOTHING: DnsAnswer = { ok: true, addresses: [] };

/** Families in the order they are asked in; `all`: what the later ones say counts too. */
const PLANS: Readonly<Record<DnsLookupFamily, { readonly families: readonly Family[]; readonly all: boolean }>> = {
  v4: { families: [4], all: false },
  v6: { families: [6], all: false },
  auto: { families: [6, 4], all: false },
  "v4-preferred": { families: [4, 6], all: false },
  all: { families: [4, 6], all: true },
};

export interface SystemDnsResolverOptions {
  readonly hostsFile?: string;
  /** `address:port`; undefined: the machine's own. */
  readonly servers?: readonly string[];
  /** The C library: rejects as node's. */
  readonly lookup?: (name: string, family: Family) => Promise<readonly string[]>;
}

const libraryLookup = async (name: string, family: Family): Promise<readonly string[]> =>
  (await lookup(name, { family, all: true })).map(({ address }) => address);

export class SystemDnsResolver implements DnsResolver {
  readonly #hostsFile: string;
  readonly #resolver = new Resolver();
  readonly #lookup: (name: string, family: Family) => Promise<readonly string[]>;

  constructor({ hostsFile = "/etc/hosts", servers, lookup: own = libraryLookup }: SystemDnsResolverOptions = {}) {
    this.#hostsFile = hostsFile;
    this.#lookup = own;
    if (servers !== undefined) this.#resolver.setServers(servers);
  }

  async resolve(name: string, family: DnsLookupFamily): Promise<DnsAnswer> {
    const { families, all } = PLANS[family];
    const found: DnsAddress[] = [];
    let failure: DnsAnswer | undefined;
    for (const one of families) {
      // One after the other: the second family is asked only when the first one leaves something to ask.
      // oxlint-disable-next-line no-await-in-loop
      const answer = await this.#resolveFamily(name, one);
      if (answer.ok) found.push(...answer.addresses);
      else failure = answer;
      if (found.length > 0 && !all) break;
    }
    return found.length === 0 ? (failure ?? NOTHING) : { ok: true, addresses: found };
  }

  async #resolveFamily(name: string, family: Family): Promise<DnsAnswer> {
    const literal = ipBytes(name);
    if (literal !== undefined) return literal.length === (family === 4 ? 4 : 16) ? withoutTtl([name]) : NOTHING;
    const listed = await this.#fromHostsFile(name, family);
    if (listed.length > 0) return withoutTtl(listed);
    // RFC 6761: never asked of a server.
    if (/(^|\.)localhost\.?$/i.test(name)) return withoutTtl([family === 4 ? "127.0.0.1" : "::1"]);
    const answer = await this.#fromServers(name, family);
    return answer.ok && answer.addresses.length === 0 ? this.#fromLibrary(name, family) : answer;
  }

  /** Read each time: it is small, and who edits it expects it to count. */
  async #fromHostsFile(name: string, family: Family): Promise<string[]> {
    let text: string;
    try {
      text = await readFile(this.#hostsFile, "utf8");
    } catch {
      return [];
    }
    const wanted = name.toLowerCase();
    return text.split("\n").flatMap((line) => {
      const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
      if (!names.some((other) => other.toLowerCase() === wanted)) return [];
      return ipBytes(address)?.length === (family === 4 ? 4 : 16) ? [address] : [];
    });
  }

  async #fromServers(name: string, family: Family): Promise<DnsAnswer> {
    try {
      const records =
        family === 4 ? await this.#resolver.resolve4(name, { ttl: true }) : await this.#resolver.resolve6(name, { ttl: true });
      return { ok: true, addresses: records.map(({ address, ttl }) => ({ address, ttlMs: ttl * 1000 })) };
    } catch (error) {
      return notFoundOrFailed(error);
    }
  }

  async #fromLibrary(name: string, family: Family): Promise<DnsAnswer> {
    try {
      return withoutTtl(await this.#lookup(name, family));
    } catch (error) {
      return notFoundOrFailed(error);
    }
  }
}

function notFoundOrFailed(error: unknown): DnsAnswer {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (code === NODATA || code === NOTFOUND) return NOTHING;
  return { ok: false, detail: error instanceof Error ? error.message : String(error) };
}

function withoutTtl(addresses: readonly string[]): DnsAnswer {
  return { ok: true, addresses: [...new Set(addresses)].map((address) => ({ address, ttlMs: 0 })) };
}
