// What of two outcomes counts. Masked are values of one moment: times, identifiers, cookies made from the client's port.
import { networkInterfaces } from "node:os";
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import type { Pair } from "./pair.ts";
import type { Outcome } from "./two-proxies.ts";

interface Visible {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  readonly broken: string;
  readonly continues: number;
  readonly received: readonly string[];
}

const OF_THE_MOMENT: ReadonlySet<string> = new Set([
  "date",
  "x-envoy-upstream-service-time",
  "x-pair",
  "keep-alive",
  "x-envoy-expected-rq-timeout-ms",
  "x-ratelimit-reset",
]);

const DECODE: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
};

/** Libraries differ in how they compress; what comes of it again counts. */
function decoded(body: string, coding: string | undefined): string {
  const decode = DECODE[coding ?? ""];
  if (decode === undefined || body === "") return body;
  try {
    return decode(Buffer.from(body, "latin1")).toString("latin1");
  } catch (error) {
    return `not ${coding}: ${String(error)}`;
  }
}

/** Envoy's carry the name of the first decompressor that the process had; what a compressor before it made is a matter of libraries. */
function ofAnyDecompressor(trailer: string): string {
  return trailer
    .replace(/^x-envoy-decompressor-.*-((?:un)?compressed-bytes)/, "x-envoy-decompressor-*-$1")
    .replace(/(-\*-compressed-bytes): .*/, "$1: *");
}

/** Two ways to send no body; a retry may take the other. */
const FRAMING_OF_NOTHING: ReadonlySet<string> = new Set(["content-length: 0", "transfer-encoding: chunked"]);

/** Envoy gives clients on loopback the address of the machine in x-forwarded-for; we say what the socket says. */
const OF_THIS_MACHINE: ReadonlySet<string> = new Set([
  "127.0.0.1",
  ...Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)),
]);

function masked(line: string): string {
  const colon = line.indexOf(":", 1);
  const name = line.slice(0, colon);
  if (OF_THE_MOMENT.has(name)) return `${name}: *`;
  if (name === "x-request-id") return line.replace(/: [0-9a-f]{8}-[0-9a-f-]{27}$/, ": *");
  // What is left of it for a retry.
  if (name === "grpc-timeout") return line.replace(/\d{4}m$/, "*m");
  // The proxies listen on ports of their own.
  if (name === "x-forwarded-port") return line.replace(/\d{4,}/, "*");
  if (name === "x-forwarded-for") return line.replace(/[^ ,]+/g, (part) => (OF_THIS_MACHINE.has(part) ? "LOCAL" : part));
  // hash_policy.cookie: the value comes from the client's port.
  if (name === "set-cookie" || name === "cookie") return line.replace(/sticky="?[0-9a-f]{16}"?/, "sticky=*");
  return line;
}

/** Where a request is given its host's cookie, that host is a matter of chance. */
function isGivenACookie({ virtualHost, request }: Pair): boolean {
  const config = JSON.stringify(virtualHost);
  const brings = request.headers.some(([, value]) => value.includes("sticky=")) && !config.includes('"key":"cookie"');
  return config.includes('"sticky"') && !brings;
}

function visible({ response, received }: Outcome, chance: boolean): Visible {
  const lines = response.headers.map(([name, value], index) => {
    const line = masked(`${name}: ${value}`);
    const host = name === "x-session" || line.startsWith("set-cookie: session=") ? `${name}: *` : line.replace(/\b\d{5}$/, "*");
    return { name, line: chance ? host : line, index };
  });
  lines.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.index - b.index));
  return {
    status: response.status,
    headers: joined(lines.map(({ line }) => line)),
    body: decoded(response.body, response.headers.find(([name]) => name === "content-encoding")?.[1]),
    trailers: response.trailers.map(ofAnyDecompressor),
    broken: response.broken ?? "",
    continues: response.continues ?? 0,
    received: received.map(({ upstream: name, method, path, headers, body: raw, trailers }) => {
      const body = decoded(raw, headers.find((line) => line.startsWith("content-encoding: "))?.slice(18));
      return [
        `${chance ? name.replace(/\d$/, "") : name} ${method} ${path}`,
        ...joined(headers.filter((line) => body !== "" || !FRAMING_OF_NOTHING.has(line)).map(masked)),
        `${body.length} bytes ${body.slice(0, 40)}`,
        ...trailers.map((line) => `trailer ${ofAnyDecompressor(line)}`),
      ].join("\n");
    }),
  };
}

/**
 * Envoy joins what it adds to a header that it keeps in a fixed place; we write another line. To a reader both are the same list
 * (RFC 9110 5.3), but for empty members, which are nothing.
 */
const JOINED =
  /^(user-agent|te|accept-encoding|authorization|cookie|server|vary|location|content-type|via|x-forwarded-proto|x-forwarded-host|x-envoy-[a-z-]+): ?(.*)$/;

function joined(lines: readonly string[]): string[] {
  const values = new Map<string, string[]>();
  const rest = lines.filter((line) => {
    const [, name, value = ""] = JOINED.exec(line) ?? [];
    if (name === undefined) return true;
    const members = value.split(/[,;] ?/).filter((member) => member !== "");
    values.set(name, [...(values.get(name) ?? []), ...members]);
    return false;
  });
  return [
    ...rest,
    ...[...values].filter(([, members]) => members.join("").trim() !== "").map(([name, members]) => `${name}: ${members.join()}`),
  ];
}

function listDifference(what: string, envoy: readonly string[], mizzen: readonly string[]): string[] {
  const rest = [...mizzen];
  const missing: string[] = [];
  for (const line of envoy) {
    const at = rest.indexOf(line);
    if (at < 0) missing.push(line);
    else rest.splice(at, 1);
  }
  const differences = [...missing.map((line) => `${what}: only Envoy: ${line}`), ...rest.map((line) => `${what}: only ours: ${line}`)];
  if (differences.length === 0 && envoy.join("\n") !== mizzen.join("\n")) differences.push(`${what}: another order`);
  return differences;
}

/** In words; empty when the two agree. */
export function differencesOf(pair: Pair, outcomes: { readonly envoy: Outcome; readonly mizzen: Outcome }): string[] {
  const chance = isGivenACookie(pair);
  const [envoy, mizzen] = [visible(outcomes.envoy, chance), visible(outcomes.mizzen, chance)];
  const differences: string[] = [];
  for (const field of ["status", "body", "broken", "continues"] as const)
    if (envoy[field] !== mizzen[field])
      differences.push(`${field}: Envoy ${JSON.stringify(envoy[field])}, ours ${JSON.stringify(mizzen[field])}`);
  differences.push(
    ...listDifference("header", envoy.headers, mizzen.headers),
    ...listDifference("trailer", envoy.trailers, mizzen.trailers),
  );
  if (envoy.received.length !== mizzen.received.length)
    differences.push(`upstreams: Envoy's received ${envoy.received.length} requests, ours ${mizzen.received.length}`);
  for (let i = 0; i < Math.min(envoy.received.length, mizzen.received.length); i++)
    differences.push(...listDifference(`upstream, request ${i + 1}`, envoy.received[i]!.split("\n"), mizzen.received[i]!.split("\n")));
  return differences;
}
