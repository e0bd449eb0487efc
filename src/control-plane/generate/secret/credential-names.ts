// The secrets that a proxy's configuration refers to and that the control plane serves. They are read from the TLS contexts themselves,
// so that a name cannot be asked for under one form and served under another.
import type { CommonTlsContext } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import { outboundPorts } from "#control-plane/generate/cluster/outbound-port";
import { effectivePolicy } from "#control-plane/generate/cluster/traffic-policy";
import { fileReaderOf } from "#control-plane/generate/transport-socket/file-secrets";
import { downstreamTlsContext } from "#control-plane/generate/transport-socket/downstream-tls-context";
import { upstreamTlsContext } from "#control-plane/generate/transport-socket/upstream-tls-context";
import type { ServerTLSSettings } from "#api/gateway";
import type { ApiObject } from "#api/object";
import type { ProxyView } from "#control-plane/mesh/mesh";

export interface CredentialUse {
  /** As the proxy asks for it. */
  readonly secretName: string;
  /** Who asks for it, and where. */
  readonly object: ApiObject | undefined;
  readonly field: string;
}

export function credentialUses(view: ProxyView): readonly CredentialUse[] {
  const uses: CredentialUse[] = [];
  for (const { tls, gateway, serverIndex } of view.gatewayServers) {
    if (tls !== undefined) uses.push(...serverUses(tls, view, gateway, `spec.servers[${serverIndex}].tls`));
  }
  for (const { tls } of view.inboundPorts) if (tls !== undefined) uses.push(...serverUses(tls, view, undefined, ""));
  return [...uses, ...destinationUses(view)];
}

function serverUses(tls: ServerTLSSettings, view: ProxyView, object: ApiObject | undefined, field: string): readonly CredentialUse[] {
  const context = downstreamTlsContext(tls, {
    mesh: view.mesh.config,
    transport: "http",
    metadataExchange: false,
    fileReader: fileReaderOf(view.node),
  });
  return namesIn(context?.commonTlsContext).map((secretName) => ({ secretName, object, field }));
}

function destinationUses(view: ProxyView): readonly CredentialUse[] {
  const uses: CredentialUse[] = [];
  for (const { rule, port, subsets } of outboundPorts(view)) {
    if (rule === undefined) continue;
    // A sidecar gets credentials of rules that name it, a gateway those of all.
    if (view.node.type === "sidecar" && rule.spec.workloadSelector === undefined) continue;
    for (const subset of subsets) {
      const { tls } = effectivePolicy(rule, subset, port.number, view.mesh.config);
      if (tls?.mode !== "SIMPLE" && tls?.mode !== "MUTUAL") continue;
      const context = upstreamTlsContext({ tls, subjectAltNames: [], http2: false, mesh: view.mesh.config, fileReader: "agent" });
      uses.push(...namesIn(context?.commonTlsContext).map((secretName) => ({ secretName, object: rule.objects[0], field: "" })));
    }
  }
  return uses;
}

function namesIn(context: CommonTlsContext | undefined): readonly string[] {
  if (context === undefined) return [];
  const validation = context.validationContextType;
  return [
    ...context.tlsCertificateSdsSecretConfigs,
    ...(validation.case === "combinedValidationContext" && validation.value.validationContextSdsSecretConfig !== undefined
      ? [validation.value.validationContextSdsSecretConfig]
      : []),
  ].flatMap(({ name, sdsConfig }) => (sdsConfig?.configSourceSpecifier.case === "ads" ? [name] : []));
}
