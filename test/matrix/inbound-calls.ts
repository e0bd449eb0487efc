// Calls that others make to a workload with a sidecar: to each port that the sidecar knows and to one that it does not, in plain text, with
// mutual TLS as Istio's proxies do it, with TLS of the application, and with identities that are not trusted.
import type { KeyPair } from "#runtime/x509";
import type { RecordedResources } from "../replay/recorded-resources.ts";
import type { ClientTls, TrafficRequest } from "../replay/traffic.ts";
import { requestTo, type Call } from "./call.ts";
import { chainsOf } from "./listener-chains.ts";

export interface InboundCallOptions {
  readonly resources: RecordedResources;
  readonly address: string;
  /** Of a workload of the mesh. */
  readonly client: KeyPair;
  /** Of another trust domain, but of the same root. */
  readonly stranger: KeyPair;
}

export const UNLISTED_PORT = 7_777;
const CAPTURE_PORTS: ReadonlySet<number> = new Set([15_001, 15_006]);
const SERVER_NAME = "outbound_.80_._.web.default.svc.cluster.local";

/** Ports whose filter chains the sidecar has. */
export function inboundPorts(resources: RecordedResources): readonly number[] {
  const inbound = resources.listeners.filter((listener) => listener["name"] === "virtualInbound");
  const ports = inbound.flatMap((listener) => chainsOf(listener, resources).map((chain) => chain.destinationPort));
  return [...new Set(ports)].filter((port) => port !== undefined && !CAPTURE_PORTS.has(port)) as number[];
}

export function inboundCalls({ resources, address, client, stranger }: InboundCallOptions): readonly Call[] {
  if (!resources.listeners.some((listener) => listener["name"] === "virtualInbound")) return [];
  const kinds: readonly { what: string; more: Partial<TrafficRequest> }[] = [
    { what: "plain HTTP", more: { path: "/plain?a=b" } },
    { what: "plain HTTP/2", more: { protocol: "h2" } },
    { what: "plain bytes", more: { protocol: "tcp", path: "bytes" } },
    { what: "mutual TLS, HTTP/1.1", more: { tls: mutual(["istio-http/1.1", "istio", "http/1.1"], client) } },
    { what: "mutual TLS, HTTP/2", more: { tls: mutual(["istio-h2", "istio", "h2"], client), protocol: "h2" } },
    { what: "mutual TLS, bytes", more: { tls: mutual(["istio-peer-exchange", "istio"], client), protocol: "tcp", path: "bytes" } },
    { what: "mutual TLS of a stranger", more: { tls: mutual(["istio-http/1.1", "istio", "http/1.1"], stranger) } },
    { what: "mutual TLS without a certificate", more: { tls: mutual(["istio-http/1.1", "istio", "http/1.1"], undefined) } },
    { what: "TLS of the application", more: { tls: { sni: "app.example.com", alpn: ["http/1.1"], certificate: undefined } } },
    { what: "TLS of the application, no ALPN", more: { tls: { sni: "app.example.com", alpn: [], certificate: undefined } } },
    { what: "forged client certificate header", more: { headers: [["x-forwarded-client-cert", "URI=spiffe://forged"]] } },
  ];
  return [...inboundPorts(resources), UNLISTED_PORT].flatMap((port) =>
    kinds.map(({ what, more }): Call => {
      const request = requestTo(address, port, { authority: "web.default.svc.cluster.local", ...more });
      return { label: `inbound ${port} ${what}`, from: "world", request, times: 1 };
    }),
  );
}

function mutual(alpn: readonly string[], certificate: KeyPair | undefined): ClientTls {
  return { sni: SERVER_NAME, alpn, certificate };
}
