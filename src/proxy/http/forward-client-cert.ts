// x-forwarded-client-cert (XFCC): what the next hop is told of the client's certificate, and what of that header may be believed.
import { HttpConnectionManager_ForwardClientCertDetails as Mode } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import type {
  HttpConnectionManager,
  HttpConnectionManager_SetCurrentClientCertDetails as WireDetails,
} from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import type { TlsInfo } from "#proxy/net/tls-info";
import type { RequestHeaderMap } from "./header-map.ts";

const XFCC = "x-forwarded-client-cert";

export type ForwardClientCert = (headers: RequestHeaderMap, tls: TlsInfo | undefined) => void;

export function compileForwardClientCert(wire: HttpConnectionManager): ForwardClientCert {
  const mode = wire.forwardClientCertDetails;
  if (mode === Mode.ALWAYS_FORWARD_ONLY) return () => {};
  const details = readDetails(wire.setCurrentClientCertDetails);
  // The same for all requests of a connection.
  const texts = new WeakMap<TlsInfo, string>();
  return (headers, tls) => {
    // Without a client certificate anything that stands there could be forged.
    if (mode === Mode.SANITIZE || tls?.peer === undefined) {
      headers.remove(XFCC);
      return;
    }
    if (mode === Mode.FORWARD_ONLY) return;
    let text = texts.get(tls);
    if (text === undefined) {
      text = describe(tls, details);
      texts.set(tls, text);
    }
    const before = mode === Mode.APPEND_FORWARD ? headers.getJoined(XFCC) : undefined;
    headers.set(XFCC, before === undefined ? text : `${before},${text}`);
  };
}

type Details = Readonly<Record<"subject" | "cert" | "chain" | "dns" | "uri", boolean>>;

function readDetails(wire: WireDetails | undefined): Details {
  const { subject = false, cert = false, chain = false, dns = false, uri = false } = wire ?? {};
  return { subject, cert, chain, dns, uri };
}

function describe({ local, peer }: TlsInfo, wanted: Details): string {
  const parts = (local?.names("URI") ?? []).map((uri) => `By=${uri}`);
  if (peer === undefined) return parts.join(";");
  parts.push(`Hash=${peer.hash}`);
  if (wanted.cert) parts.push(`Cert="${urlEncoded(peer.pem)}"`);
  if (wanted.chain) parts.push(`Chain="${urlEncoded(peer.chainPem)}"`);
  // These two keys stand there even when there is nothing to say.
  if (wanted.subject) parts.push(`Subject="${peer.subject}"`);
  if (wanted.uri) {
    const uris = peer.names("URI");
    parts.push(...(uris.length === 0 ? ["URI="] : uris.map((uri) => `URI=${uri}`)));
  }
  if (wanted.dns) parts.push(...peer.names("DNS").map((name) => `DNS=${name}`));
  return parts.join(";");
}

/** As Envoy encodes PEM: what XFCC and URLs would misread, nothing more. */
export function urlEncoded(pem: string): string {
  return pem.replaceAll(/[\n +/=]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}
