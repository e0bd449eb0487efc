// Calls that try a gateway from outside: each listener, each filter chain by its server names, each host and path of its routes.
import type { KeyPair } from "#runtime/x509";
import type { RecordedResources } from "../replay/recorded-resources.ts";
import type { ClientTls } from "../replay/traffic.ts";
import { requestTo, type Call } from "./call.ts";
import { chainsOf, socketAddress, type Chain } from "./listener-chains.ts";
import { routeCalls, sampleOfDomain, type RequestMaker } from "./route-calls.ts";
import { SHARES } from "./times.ts";

export interface GatewayCallOptions {
  readonly resources: RecordedResources;
  /** Of the gateway. */
  readonly address: string;
  readonly client: KeyPair;
}

const UNKNOWN_NAME = "no-such-name.example.org";
const ISTIO_ALPN = ["istio-peer-exchange", "istio"];

const USUAL_PORTS = [80, 443, 3306, 8080, 8443, 9000, 9443, 12_345, 15_443, 31_400];

/** What nobody should send to a port, of each kind. */
function strangeCalls(address: string, port: number, client: KeyPair): readonly Call[] {
  const tls = (alpn: readonly string[], certificate?: KeyPair): { tls: ClientTls } => ({ tls: { sni: UNKNOWN_NAME, alpn, certificate } });
  const kinds: readonly { what: string; more: Parameters<typeof requestTo>[2] }[] = [
    { what: "plain HTTP", more: {} },
    { what: "plain HTTP/2", more: { protocol: "h2" } },
    { what: "plain bytes", more: { protocol: "tcp", path: "bytes" } },
    { what: "TLS for an unknown name", more: tls(["http/1.1"]) },
    { what: "TLS for an unknown name, with a certificate", more: tls(["http/1.1"], client) },
    { what: "TLS for an unknown name, Istio's ALPN", more: { ...tls(ISTIO_ALPN, client), protocol: "tcp", path: "bytes" } },
    { what: "TLS without a name", more: { tls: { sni: undefined, alpn: ["http/1.1"], certificate: undefined } } },
  ];
  return kinds.map(({ what, more }) => ({
    label: `gateway ${port} ${what}`,
    from: "world",
    request: requestTo(address, port, more),
    times: 1,
  }));
}

export function gatewayCalls({ resources, address, client }: GatewayCallOptions): readonly Call[] {
  const calls: Call[] = [];
  for (const listener of resources.listeners) {
    const place = socketAddress(listener);
    if (place === undefined) continue;
    const { port } = place;
    const chains = chainsOf(listener, resources);
    for (const chain of chains) {
      for (const name of chain.serverNames.length === 0 ? [undefined] : chain.serverNames) {
        const sni = name === undefined ? undefined : sampleOfDomain(name);
        const encrypted = chain.terminatesTls || sni !== undefined;
        const certificate = chain.wantsClientCertificate ? client : undefined;
        const tls = (alpn: readonly string[]): { tls: ClientTls } | object =>
          encrypted ? { tls: { sni, alpn, certificate } satisfies ClientTls } : {};
        const label = `gateway ${port}${sni === undefined ? "" : ` for ${sni}`}`;
        const call = (what: string, more: Parameters<typeof requestTo>[2], times = 1): void => {
          calls.push({ label: `${label} ${what}`, from: "world", request: requestTo(address, port, more), times });
        };
        if (chain.isHttp) {
          const alpn = encrypted ? { ...tls(["http/1.1"]) } : {};
          const make: RequestMaker = (authority, more) => requestTo(address, port, { ...alpn, authority, ...more });
          calls.push(...routeCalls(chain.routes ?? {}, { from: "world", label, make }));
          const authority = firstAuthority(chain);
          call("over HTTP/2", { ...tls(["h2"]), protocol: "h2", authority });
          if (encrypted) {
            call("without a client certificate", { tls: { sni, alpn: ["http/1.1"], certificate: undefined }, authority });
            call("with Istio's ALPN", { tls: { sni, alpn: [...ISTIO_ALPN, "http/1.1"], certificate: client }, authority });
          }
        } else {
          const times = chain.isWeighted ? SHARES : 1;
          call("as bytes", { ...tls([]), protocol: "tcp", path: "bytes" }, times);
          call("as HTTP", { ...tls(["http/1.1"]), authority: sni ?? "any-host.example.org" });
          if (encrypted) call("with Istio's ALPN", { tls: { sni, alpn: ISTIO_ALPN, certificate: client }, protocol: "tcp", path: "bytes" });
        }
      }
    }
    calls.push(...strangeCalls(address, port, client));
  }
  const listening = new Set(resources.listeners.map((listener) => socketAddress(listener)?.port));
  for (const port of USUAL_PORTS.filter((each) => !listening.has(each)))
    calls.push({ label: `gateway port ${port} without a listener`, from: "world", request: requestTo(address, port), times: 1 });
  return calls;
}

function firstAuthority(chain: Chain): string {
  const [host] = (chain.routes?.["virtualHosts"] as { domains?: string[] }[] | undefined) ?? [];
  return sampleOfDomain(host?.domains?.[0] ?? "*");
}
