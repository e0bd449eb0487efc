// How a cluster's connections are protected: as the rule says, or, where it says nothing and the mesh issues certificates, by mutual
// TLS with those endpoints whose proxies take it.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Cluster_TransportSocketMatchSchema as MatchSchema, type ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { TransportSocket } from "#envoy/gen/envoy/config/core/v3/base_pb";
import type { ClientTLSSettings } from "#api/destination-rule";
import type { MeshConfigSpec } from "#api/mesh-config";
import { proxyProtocolSocket, rawBufferSocket, upstreamTlsSocket } from "#control-plane/generate/transport-socket/transport-socket";
import { meshUpstreamTlsContext, upstreamTlsContext } from "#control-plane/generate/transport-socket/upstream-tls-context";
import type { Service } from "#control-plane/registry/service";
import type { Caller } from "./caller.ts";
import type { EffectivePolicy } from "./traffic-policy.ts";

export interface SecurityInputs {
  readonly policy: EffectivePolicy;
  readonly mesh: MeshConfigSpec;
  readonly service: Service;
  readonly caller: Caller;
  /** `outbound_.80_.v1_.reviews...`: what the server is called in mutual TLS. */
  readonly serverName: string;
  readonly identities: readonly string[];
  /** Whether the service's endpoints may take the mesh's mutual TLS. */
  readonly autoMutualTls: boolean;
  readonly http2: boolean;
  /** Connections go where the caller was going: there is no endpoint whose metadata could be looked at. */
  readonly originalDestination: boolean;
  readonly dynamicDns: boolean;
  /** The rule is for chosen workloads only, so a credential may be meant for them. */
  readonly forChosenCallers: boolean;
}

export interface Security {
  readonly sockets: Pick<MessageInitShape<typeof ClusterSchema>, "transportSocket" | "transportSocketMatches">;
  readonly autoSni: boolean;
  readonly autoSanValidation: boolean;
}

export function upstreamSecurity(inputs: SecurityInputs): Security {
  const { tls: written, proxyProtocol } = inputs.policy;
  const isAuto = written === undefined && inputs.autoMutualTls;
  const tls = withOperatorsFiles(written, isAuto, inputs);
  const socket = isAuto || tls !== undefined ? tlsSocket(tls, isAuto, inputs) : undefined;
  const byDestination = socket !== undefined && isAuto && tls === undefined && !inputs.originalDestination;
  const wrap = (inner: TransportSocket): TransportSocket =>
    proxyProtocol === undefined ? inner : proxyProtocolSocket(proxyProtocol, inner);
  const plain = socket === undefined && proxyProtocol === undefined;
  return {
    sockets: plain
      ? {}
      : byDestination
        ? { transportSocketMatches: socketMatches(wrap(socket), wrap(rawBufferSocket())) }
        : { transportSocket: wrap(socket ?? rawBufferSocket()) },
    ...automaticNames(tls, inputs),
  };
}

function socketMatches(mutualTls: TransportSocket, plain: TransportSocket) {
  return [
    create(MatchSchema, { name: "tlsMode-istio", match: { tlsMode: "istio" }, transportSocket: mutualTls }),
    create(MatchSchema, { name: "tlsMode-disabled", match: {}, transportSocket: plain }),
  ];
}

/** An operator's own certificate stands in for the mesh's, in all modes that show one. */
function withOperatorsFiles(tls: ClientTLSSettings | undefined, isAuto: boolean, inputs: SecurityInputs): ClientTLSSettings | undefined {
  const files = inputs.caller.certificateFiles;
  const shows = isAuto || tls?.mode === "MUTUAL" || tls?.mode === "ISTIO_MUTUAL";
  if (files === undefined || !shows || (tls !== undefined && inputs.service.external)) return tls;
  return {
    mode: "MUTUAL",
    clientCertificate: files.certificate,
    privateKey: files.privateKey,
    caCertificates: files.authorities,
    subjectAltNames: [...(tls === undefined ? inputs.identities : (tls.subjectAltNames ?? []))],
    sni: tls === undefined ? inputs.serverName : (tls.sni ?? ""),
  };
}

function tlsSocket(tls: ClientTLSSettings | undefined, isAuto: boolean, inputs: SecurityInputs): TransportSocket | undefined {
  const { identities, serverName, http2, mesh } = inputs;
  const mode = tls?.mode ?? (isAuto && tls === undefined ? "ISTIO_MUTUAL" : "DISABLE");
  switch (mode) {
    case "DISABLE":
      return undefined;
    case "ISTIO_MUTUAL":
      return upstreamTlsSocket(
        meshUpstreamTlsContext({
          sni: tls?.sni || serverName,
          subjectAltNames: tls?.subjectAltNames ?? identities,
          http2,
          metadataExchange: inputs.caller.metadataExchange,
        }),
      );
    case "SIMPLE":
    case "MUTUAL": {
      if (isOthersCredential(tls, inputs)) return undefined;
      // Of a ServiceEntry the names that it declares count.
      const ofService = inputs.service.source === "ServiceEntry" ? identities : [];
      const context = upstreamTlsContext({ tls: tls ?? {}, subjectAltNames: ofService, http2, mesh, fileReader: inputs.caller.fileReader });
      return context === undefined ? undefined : upstreamTlsSocket(context);
    }
  }
}

/**
 * A credential is for gateways, and for sidecars that a rule names: one that every sidecar would ask for could hold up those that may not
 * have it. As in istiod the others get no TLS from such a rule.
 */
function isOthersCredential(tls: ClientTLSSettings | undefined, { caller, forChosenCallers }: SecurityInputs): boolean {
  const name = tls?.credentialName ?? "";
  const anybodys = name === "" || name.startsWith("configmap://") || name === "invalid://";
  return !anybodys && caller.type === "sidecar" && !forChosenCallers;
}

/** Server names that the rule does not give are taken from each request. */
function automaticNames(tls: ClientTLSSettings | undefined, inputs: SecurityInputs): Pick<Security, "autoSni" | "autoSanValidation"> {
  // Envoy has no cluster that looks names up as they come without them, whether or not it encrypts.
  if (inputs.dynamicDns) return { autoSni: true, autoSanValidation: tls?.insecureSkipVerify !== true };
  if ((tls?.mode !== "SIMPLE" && tls?.mode !== "MUTUAL") || isOthersCredential(tls, inputs)) {
    return { autoSni: false, autoSanValidation: false };
  }
  const autoSni = (tls.sni ?? "") === "";
  const unnamed = autoSni && (tls.subjectAltNames ?? []).length === 0;
  return { autoSni, autoSanValidation: unnamed && tls.insecureSkipVerify !== true };
}
