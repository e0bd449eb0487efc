// Which filter chains an inbound port needs: by its protocol and by how far mutual TLS is asked of callers.
import type { MutualTlsMode } from "#control-plane/mesh/mesh";
import { PLAINTEXT_HTTP_ALPN, type ListenerProtocol } from "./listener-protocol.ts";

export interface InboundChainMatch {
  readonly applicationProtocols: readonly string[];
  readonly transportProtocol: "tls" | "raw_buffer";
  /** What is inside: HTTP is routed, TCP goes through. */
  readonly carries: "HTTP" | "TCP";
  /** Whether TLS ends here. */
  readonly endsTls: boolean;
}

/** Names that sidecars offer by ALPN for what they found to be HTTP. */
const MESH_HTTP = ["istio-http/1.0", "istio-http/1.1", "istio-h2"];
const MESH_TCP = ["istio-peer-exchange", "istio"];
const MESH = ["istio", "istio-peer-exchange", ...MESH_HTTP];

export function inboundChainMatches(protocol: ListenerProtocol, mode: MutualTlsMode): readonly InboundChainMatch[] {
  return MATCHES[mode][protocol];
}

/** TLS of the port's own, from a Sidecar. */
export function ownTlsMatch(protocol: ListenerProtocol): InboundChainMatch {
  return encrypted(protocol === "TCP" ? "TCP" : "HTTP");
}

const MATCHES: Readonly<Record<MutualTlsMode, Readonly<Record<ListenerProtocol, readonly InboundChainMatch[]>>>> = {
  STRICT: {
    HTTP: [encrypted("HTTP")],
    TCP: [encrypted("TCP")],
    AUTO: [encrypted("HTTP", MESH_HTTP), encrypted("TCP")],
  },
  PERMISSIVE: {
    // Nothing but HTTP was declared: TLS that is not the mesh's is no request.
    HTTP: [encrypted("HTTP", MESH), plaintext("HTTP")],
    TCP: [encrypted("TCP", MESH), foreignTls(), plaintext("TCP")],
    AUTO: [
      encrypted("HTTP", MESH_HTTP),
      plaintext("HTTP", PLAINTEXT_HTTP_ALPN),
      encrypted("TCP", MESH_TCP),
      plaintext("TCP"),
      foreignTls(),
    ],
  },
  DISABLE: {
    HTTP: [plaintext("HTTP")],
    TCP: [plaintext("TCP")],
    AUTO: [plaintext("HTTP", PLAINTEXT_HTTP_ALPN), plaintext("TCP")],
  },
};

function encrypted(carries: "HTTP" | "TCP", applicationProtocols: readonly string[] = []): InboundChainMatch {
  return { applicationProtocols, transportProtocol: "tls", carries, endsTls: true };
}

function plaintext(carries: "HTTP" | "TCP", applicationProtocols: readonly string[] = []): InboundChainMatch {
  return { applicationProtocols, transportProtocol: "raw_buffer", carries, endsTls: false };
}

/** TLS between a caller and the application itself: it goes through as it is. */
function foreignTls(): InboundChainMatch {
  return { applicationProtocols: [], transportProtocol: "tls", carries: "TCP", endsTls: false };
}
