// Calls that an application makes through its sidecar: to virtual addresses with the names of services, to addresses of pods, to addresses
// that nobody knows; as HTTP, as bytes, as TLS.
import { isIP } from "node:net";
import type { JsonObject } from "@bufbuild/protobuf";
import type { RecordedResources } from "../replay/recorded-resources.ts";
import { requestTo, type Call } from "./call.ts";
import { at, objects, text, texts } from "./json-fields.ts";
import { chainsOf, socketAddress } from "./listener-chains.ts";
import { routeCalls, sampleOfDomain, type RequestMaker } from "./route-calls.ts";
import { SHARES } from "./times.ts";

/** A service address that no service has, and an address outside of the cluster. */
const FREE_VIRTUAL_ADDRESS = "10.96.255.254";
const OUTSIDE_ADDRESS = "203.0.113.9";
const UNKNOWN_NAME = "no-such-name.example.org";
const MAX_PODS = 3;

export function outboundCalls(resources: RecordedResources): readonly Call[] {
  const listeners = resources.listeners.filter(
    (listener) => listener["trafficDirection"] === "OUTBOUND" && listener["name"] !== "virtualOutbound" && !isProxyPort(listener),
  );
  return [...listeners.flatMap((listener) => listenerCalls(listener, resources)), ...podCalls(resources), ...unknownCalls()];
}

/** What listens on a port of its own is no capture of a service. */
function isProxyPort(listener: JsonObject): boolean {
  return text(listener["name"])?.endsWith("_15007") === true;
}

function listenerCalls(listener: JsonObject, resources: RecordedResources): readonly Call[] {
  const place = socketAddress(listener);
  if (place === undefined) return [];
  const calls: Call[] = [];
  const { port } = place;
  const anyAddress = place.address === "0.0.0.0" || place.address === "::";
  const bound = listener["bindToPort"] !== false;
  const label = `outbound ${text(listener["name"]) ?? ""}`;
  const own = bound ? (anyAddress ? "127.0.0.1" : place.address) : anyAddress ? undefined : place.address;
  const call = (what: string, address: string, more: Parameters<typeof requestTo>[2], times = 1): void => {
    calls.push({ label: `${label} ${what}`, from: "pod", request: requestTo(address, port, more), times });
  };
  for (const chain of chainsOf(listener, resources)) {
    const addresses = chain.addresses.length > 0 ? chain.addresses.slice(0, 3) : [own ?? FREE_VIRTUAL_ADDRESS];
    if (chain.isHttp) {
      const routes = chain.routes ?? {};
      const virtual = virtualAddresses(routes);
      const make: RequestMaker = (authority, more) =>
        requestTo(own ?? virtual.get(authority) ?? FREE_VIRTUAL_ADDRESS, port, { authority, ...more });
      calls.push(...routeCalls(routes, { from: "pod", label, make }));
      const [first] = virtual;
      const [authority, address] = first ?? ["any-host.example.org", own ?? FREE_VIRTUAL_ADDRESS];
      call("over HTTP/2", own ?? address, { protocol: "h2", authority });
      call("as bytes", own ?? address, { protocol: "tcp", path: "bytes" });
      call("as TLS", own ?? address, { tls: { sni: UNKNOWN_NAME, alpn: ["http/1.1"], certificate: undefined }, authority });
      call("as websocket", own ?? address, {
        authority,
        headers: [
          ["connection", "upgrade"],
          ["upgrade", "websocket"],
        ],
      });
      continue;
    }
    const times = chain.isWeighted ? SHARES : 1;
    for (const address of addresses) {
      const names = chain.serverNames.map(sampleOfDomain);
      for (const sni of names) {
        call(`as TLS for ${sni}`, address, { tls: { sni, alpn: ["http/1.1"], certificate: undefined }, authority: sni }, times);
      }
      if (names.length > 0) continue;
      call(`as bytes to ${address}`, address, { protocol: "tcp", path: "bytes" }, times);
      call(`as HTTP to ${address}`, address, {});
      call(`as TLS to ${address}`, address, {
        tls: { sni: UNKNOWN_NAME, alpn: [], certificate: undefined },
        protocol: "tcp",
        path: "bytes",
      });
    }
  }
  return calls;
}

/** By the sampled authority: the address literal among the domains of the same virtual host. */
function virtualAddresses(routes: JsonObject): ReadonlyMap<string, string> {
  const result = new Map<string, string>();
  for (const virtualHost of objects(routes["virtualHosts"])) {
    const domains = texts(virtualHost["domains"]);
    const literal = domains
      .map((domain) => domain.replace(/^\[(.*)\](:\d+)?$/, "$1").replace(/^([\d.]+):\d+$/, "$1"))
      .find((domain) => isIP(domain) !== 0);
    if (literal === undefined) continue;
    for (const domain of domains) result.set(sampleOfDomain(domain), literal);
  }
  return result;
}

function podCalls(resources: RecordedResources): readonly Call[] {
  const seen = new Set<string>();
  const calls: Call[] = [];
  for (const assignment of resources.endpoints) {
    for (const endpoint of objects(assignment["endpoints"]).flatMap((locality) => objects(locality["lbEndpoints"]))) {
      const { address, portValue } = at(endpoint, "endpoint", "address", "socketAddress");
      if (typeof address !== "string" || isIP(address) === 0 || typeof portValue !== "number") continue;
      const key = `${address} ${portValue}`;
      if (seen.has(key) || seen.size >= MAX_PODS) continue;
      seen.add(key);
      calls.push({ label: `outbound pod ${key} as HTTP`, from: "pod", request: requestTo(address, portValue), times: 1 });
      const bytes = requestTo(address, portValue, { protocol: "tcp", path: "bytes" });
      calls.push({ label: `outbound pod ${key} as bytes`, from: "pod", request: bytes, times: 1 });
    }
  }
  return calls;
}

function unknownCalls(): readonly Call[] {
  const call = (what: string, more: Parameters<typeof requestTo>[2]): Call => ({
    label: `outbound unknown address ${what}`,
    from: "pod",
    request: requestTo(OUTSIDE_ADDRESS, UNKNOWN_PORT, more),
    times: 1,
  });
  return [
    call("as HTTP", {}),
    call("as bytes", { protocol: "tcp", path: "bytes" }),
    call("as TLS", { tls: { sni: UNKNOWN_NAME, alpn: ["http/1.1"], certificate: undefined } }),
  ];
}

/** Of the outside address. */
export const UNKNOWN_PORT = 8_889;
