// What a connection is, as far as listeners look at it: from where to where, by which protocol, for which name. Generators of rules draw
// their values from the same lists, so that a rule and a connection have something to do with each other.
import type { Choices } from "../choices.ts";

export interface Facts {
  /** By the PROXY header, where there is one. */
  source: string;
  destination: string;
  sourcePort: number;
  /** "OWN": the listener's. */
  destinationPort: number | "OWN";
  /** The client's own address, of loopback. */
  direct: string;
  tls: boolean;
  serverName: string;
  /** Of ALPN. */
  protocols: string[];
  /** What a client without TLS begins with. */
  plain: "HTTP/1.1" | "HTTP/1.0" | "HTTP/2" | "other";
}

const SOURCES = ["127.0.0.1", "127.0.0.2", "10.0.0.1", "10.1.2.3", "192.168.1.1"] as const;
const SOURCES_6 = ["::1", "fd00::1", "2001:db8::7"] as const;
const DIRECT = ["127.0.0.1", "127.0.0.1", "127.0.0.2", "127.1.0.1"] as const;
export const PORTS = [80, 443, 8080, 1000] as const;
export const SERVER_NAMES = ["a.example", "x.a.example", "b.a.example", "example", "b.test", "u1", "A.Example"] as const;
const RANGES = [
  ["127.0.0.0", 8],
  ["127.0.0.1", 32],
  ["127.0.0.2", 32],
  ["10.0.0.0", 8],
  ["10.1.0.0", 16],
  ["192.168.1.1", 32],
  ["0.0.0.0", 0],
  ["::1", 128],
  ["fd00::", 8],
  ["::", 0],
] as const;
const WITHIN: Readonly<Record<string, readonly string[]>> = {
  "127.0.0.0": ["127.0.0.1", "127.0.0.2"],
  "10.0.0.0": ["10.0.0.1", "10.1.2.3"],
  "10.1.0.0": ["10.1.2.3"],
  "0.0.0.0": ["10.0.0.1", "192.168.1.1"],
  "fd00::": ["fd00::1"],
  "::": ["2001:db8::7", "::1"],
};

/** As in the JSON of a CidrRange. */
export type AddressRange = { addressPrefix: string; prefixLen: number };

export function range(choices: Choices): AddressRange {
  const [addressPrefix, prefixLen] = choices.pick(RANGES);
  return { addressPrefix, prefixLen };
}

/** Of a filter chain: a range of everything is to Envoy the same as none, and of two chains it takes one by chance. */
export function narrowRange(choices: Choices): AddressRange {
  const [addressPrefix, prefixLen] = choices.pick(RANGES.filter(([, length]) => length > 0));
  return { addressPrefix, prefixLen };
}

export function addressIn(choices: Choices, { addressPrefix }: AddressRange): string {
  return choices.pick(WITHIN[addressPrefix] ?? [addressPrefix]);
}

export function generateFacts(choices: Choices): Facts {
  const six = choices.chance(0.2);
  return {
    source: choices.pick(six ? SOURCES_6 : SOURCES),
    destination: choices.pick(six ? SOURCES_6 : SOURCES),
    sourcePort: choices.pick(PORTS),
    destinationPort: choices.pick([...PORTS, "OWN" as const]),
    direct: choices.pick(DIRECT),
    tls: choices.chance(0.5),
    serverName: choices.pick([...SERVER_NAMES, ""]),
    protocols: choices.some(["h2", "http/1.1", "foo"], 0, 2),
    plain: choices.pick(["HTTP/1.1", "HTTP/1.0", "HTTP/2", "other"]),
  };
}
