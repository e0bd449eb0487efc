// Listeners from a seed: listener filters, filter chains with matches of every kind, network filters; and a connection aimed at a chain.
import type { JsonObject } from "@bufbuild/protobuf";
import { choices as choicesOf } from "../choices.ts";
import type { Choices } from "../choices.ts";
import { addressIn, generateFacts, narrowRange, PORTS, SERVER_NAMES } from "./facts.ts";
import type { Facts } from "./facts.ts";
import { openingOf } from "./opening.ts";
import type { Opening } from "./opening.ts";
import { generateRbac } from "./rules-generator.ts";

const TYPE = "type.googleapis.com/envoy.extensions.filters";

export interface ConnectionPair {
  readonly number: number;
  /** Without name and address; the port "OWN" in it is the listener's. */
  readonly listener: JsonObject;
  readonly opening: Opening;
}

/** What a match asks for, and how a connection gives it. */
const MATCHES: Readonly<Record<string, (choices: Choices, match: JsonObject, facts: Facts) => void>> = {
  destinationPort(choices, match, facts) {
    facts.destinationPort = choices.pick([...PORTS, "OWN" as const]);
    match["destinationPort"] = facts.destinationPort;
  },
  prefixRanges(choices, match, facts) {
    const ranges = Array.from({ length: 1 + choices.integer(2) }, () => narrowRange(choices));
    match["prefixRanges"] = ranges;
    facts.destination = addressIn(choices, choices.pick(ranges));
  },
  serverNames(choices, match, facts) {
    const names = choices.some([...SERVER_NAMES.slice(0, 6), "*.example", "*.a.example", "*.test"], 1, 2);
    match["serverNames"] = names;
    facts.tls = true;
    facts.serverName = choices.pick(names).replace("*", choices.pick(["x", "y.x"]));
  },
  transportProtocol(choices, match, facts) {
    facts.tls = choices.chance(0.5);
    match["transportProtocol"] = facts.tls ? "tls" : "raw_buffer";
  },
  applicationProtocols(choices, match, facts) {
    const protocols = choices.some(["h2", "http/1.1", "foo", "http/1.0", "h2c"], 1, 2);
    match["applicationProtocols"] = protocols;
    const [protocol = ""] = protocols;
    const plain = ({ "http/1.1": "HTTP/1.1", "http/1.0": "HTTP/1.0", h2c: "HTTP/2" } as const)[protocol];
    if (plain === undefined) facts.tls = true;
    facts.plain = plain ?? "other";
    facts.protocols = [...(choices.chance(0.3) ? ["unknown"] : []), ...protocols];
  },
  directSourcePrefixRanges(choices, match, facts) {
    facts.direct = choices.pick(["127.0.0.1", "127.0.0.2"]);
    match["directSourcePrefixRanges"] = [{ addressPrefix: choices.pick([facts.direct, "127.0.0.0"]), prefixLen: choices.pick([8, 32]) }];
  },
  sourceType(choices, match, facts) {
    const local = choices.chance(0.5);
    match["sourceType"] = local ? "SAME_IP_OR_LOOPBACK" : "EXTERNAL";
    facts.source = local ? choices.pick(["127.0.0.1", facts.destination]) : "10.0.0.1";
  },
  sourcePrefixRanges(choices, match, facts) {
    const ranges = Array.from({ length: 1 + choices.integer(2) }, () => narrowRange(choices));
    match["sourcePrefixRanges"] = ranges;
    facts.source = addressIn(choices, choices.pick(ranges));
  },
  sourcePorts(choices, match, facts) {
    facts.sourcePort = choices.pick(PORTS);
    match["sourcePorts"] = [...new Set([facts.sourcePort, choices.pick(PORTS)])];
  },
};

export const MATCH_FIELDS: readonly string[] = Object.keys(MATCHES);

/** Begins a line of a log: the pair's name takes its place. */
export const LINE = "LINE";

export function fileLog(who: string): JsonObject {
  const type = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog";
  const logFormat = { textFormatSource: { inlineString: `${LINE} ${who} FORMAT` } };
  return { name: "envoy.access_loggers.file", typedConfig: { "@type": type, path: "LOG", logFormat } };
}

function tcpProxy(choices: Choices, chain: number): JsonObject {
  const config: JsonObject = {
    statPrefix: "pair",
    cluster: choices.pick([`u${chain % 4}`, `u${chain % 4}`, "ring", "hold", "refusing", "empty"]),
  };
  if (config["cluster"] === "ring") config["hashPolicy"] = [{ sourceIp: {} }];
  if (config["cluster"] === "hold" || choices.chance(0.1)) config["idleTimeout"] = "0.2s";
  if (choices.chance(0.2)) config["maxConnectAttempts"] = 1 + choices.integer(3);
  config["accessLog"] = [fileLog(`chain ${chain}`)];
  return { name: "envoy.filters.network.tcp_proxy", typedConfig: { "@type": `${TYPE}.network.tcp_proxy.v3.TcpProxy`, ...config } };
}

/** The number of the default chain. */
export const DEFAULT = 9;

function networkFilters(choices: Choices, chain: number): JsonObject[] {
  const response = { inlineString: `chain ${chain}` };
  if (choices.chance(0.35))
    return [
      {
        name: "envoy.filters.network.direct_response",
        typedConfig: { "@type": `${TYPE}.network.direct_response.v3.Config`, response },
      },
    ];
  const filters: JsonObject[] = [];
  if (choices.chance(0.5)) filters.push(generateRbac(choices));
  if (choices.chance(0.1))
    filters.push({
      name: "envoy.filters.network.sni_cluster",
      typedConfig: { "@type": `${TYPE}.network.sni_cluster.v3.SniCluster` },
    });
  return [...filters, tcpProxy(choices, chain)];
}

const INSPECTORS: readonly (readonly [name: string, type: string, share: number])[] = [
  ["proxy_protocol", "proxy_protocol.v3.ProxyProtocol", 0.6],
  ["tls_inspector", "tls_inspector.v3.TlsInspector", 0.8],
  ["http_inspector", "http_inspector.v3.HttpInspector", 0.4],
];

function disabledPredicate(choices: Choices): JsonObject {
  const ports = { destinationPortRange: { start: choices.pick([80, 400]), end: 500 } };
  return choices.pick<JsonObject>([
    { anyMatch: true },
    ports,
    { notMatch: ports },
    { orMatch: { rules: [ports, { notMatch: { anyMatch: true } }] } },
  ]);
}

/** Of such a match only a PROXY header can say what it asks for. */
const BY_HEADER: ReadonlySet<string> = new Set(["prefixRanges", "sourcePorts"]);

function listenerFilters(choices: Choices, must: string): JsonObject[] {
  const wanted = INSPECTORS.filter(([name, , share]) => choices.chance(share) || (name === "proxy_protocol" && BY_HEADER.has(must)));
  const filters = wanted.map(([name, type]): JsonObject => {
    const config: JsonObject = { "@type": `${TYPE}.listener.${type}` };
    if (name === "proxy_protocol") {
      if (choices.chance(0.3)) config["allowRequestsWithoutProxyProtocol"] = true;
      if (choices.chance(0.1)) config["disallowedVersions"] = [choices.pick(["V1", "V2"])];
    }
    const filter: JsonObject = { name: `envoy.filters.listener.${name}`, typedConfig: config };
    if (choices.chance(0.1)) filter["filterDisabled"] = disabledPredicate(choices);
    return filter;
  });
  return choices.chance(0.15) ? filters.reverse() : filters;
}

/** The pair with this number of this seed. */
export async function generateConnectionPair(seed: number, number: number): Promise<ConnectionPair> {
  const choices = choicesOf(Math.imul(seed, 0x9e3779b1) + number);
  const names = [...MATCH_FIELDS];
  const must = names[number % names.length]!;
  const count = 1 + choices.integer(6);
  const aimed = choices.integer(count);
  const aim: { facts: Facts; fields: readonly string[] } = { facts: generateFacts(choices), fields: [] };
  const filterChains = Array.from({ length: count }, (_, index): JsonObject => {
    const facts = generateFacts(choices);
    const fields = choices.some(names, 0, 3);
    if (index === aimed && !fields.includes(must)) fields.push(must);
    const filterChainMatch: JsonObject = {};
    for (const field of fields) MATCHES[field]!(choices, filterChainMatch, facts);
    if (index === aimed) Object.assign(aim, { facts, fields });
    return { name: `chain ${index}`, filterChainMatch, filters: networkFilters(choices, index) };
  });
  const listener: JsonObject = { filterChains };
  if (choices.chance(0.5)) listener["defaultFilterChain"] = { name: "default", filters: networkFilters(choices, DEFAULT) };
  const filters = listenerFilters(choices, must);
  if (filters.length > 0) listener["listenerFilters"] = filters;
  listener["listenerFiltersTimeout"] = "0.4s";
  if (choices.chance(0.3)) listener["continueOnListenerFiltersTimeout"] = true;
  // One thing about it is not as the chain asks.
  const misses = choices.chance(0.25);
  const facts = misses ? { ...aim.facts, ...pickOne(choices, generateFacts(choices)) } : aim.facts;
  const proxied = filters.some(({ name }) => name === "envoy.filters.listener.proxy_protocol");
  return { number, listener, opening: await openingOf(choices, facts, proxied) };
}

function pickOne(choices: Choices, facts: Facts): Partial<Facts> {
  const key = choices.pick(Object.keys(facts) as (keyof Facts)[]);
  return { [key]: facts[key] };
}
