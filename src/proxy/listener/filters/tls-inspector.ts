// envoy.filters.listener.tls_inspector: is it TLS, and for which server name and protocols.
import { TlsInspectorSchema } from "#envoy/gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb";
import { createHash } from "node:crypto";
import { ja3Text } from "#proxy/codec/tls-inspector/ja3";
import { inspectClientHello } from "#proxy/codec/tls-inspector/client-hello";
import type { StatsScope } from "#telemetry/stats/store";
import type { ListenerFilter, ListenerFilterCompiler } from "#proxy/listener/listener-filter";
import { unpackConfig } from "#proxy/unpack-config";

/** A ClientHello that is not whole by then is refused, as in Envoy. */
const MAX_CLIENT_HELLO = 16_384;

export const tlsInspectorCompiler: ListenerFilterCompiler = {
  configTypes: [TlsInspectorSchema.typeName],
  compile(any, path, scope) {
    const { enableJa3Fingerprinting } = unpackConfig(any, TlsInspectorSchema, path, () => {});
    return tlsInspector(scope, enableJa3Fingerprinting ?? false);
  },
};

function tlsInspector(scope: StatsScope | undefined, fingerprints: boolean): ListenerFilter {
  const count = (name: string): { inc(): void } | undefined => scope?.counter("tls_inspector", name);
  const found = count("tls_found");
  const notFound = count("tls_not_found");
  const sni = count("sni_found");
  const noSni = count("sni_not_found");
  const alpn = count("alpn_found");
  const noAlpn = count("alpn_not_found");
  const tooLarge = count("client_hello_too_large");
  return {
    inspect({ facts }, bytes) {
      const result = inspectClientHello(bytes);
      if (result.state === "more") {
        if (bytes.length < MAX_CLIENT_HELLO) return "more";
        tooLarge?.inc();
        return "close";
      }
      if (result.state === "not-tls") {
        notFound?.inc();
        return "continue";
      }
      found?.inc();
      (result.serverName === "" ? noSni : sni)?.inc();
      (result.applicationProtocols.length === 0 ? noAlpn : alpn)?.inc();
      facts.transportProtocol = "tls";
      if (fingerprints) facts.ja3Fingerprint = ja3Fingerprint(bytes);
      if (result.serverName !== "") facts.serverName = result.serverName.toLowerCase();
      if (result.applicationProtocols.length > 0) facts.applicationProtocols = result.applicationProtocols;
      return "continue";
    },
  };
}

/** JA3 is a name for texts, not a seal: MD5 is what everybody means by it. */
function ja3Fingerprint(bytes: Uint8Array): string | undefined {
  const text = ja3Text(bytes);
  return text === undefined ? undefined : createHash("md5").update(text).digest("hex");
}
