// References to secrets, with Istio's names. Two sources serve them: the agent beside the proxy (its workload certificate and files of
// its machine), through the static cluster `sds-grpc`, and the control plane (Kubernetes Secrets), on the proxy's own ADS stream.
import { create } from "@bufbuild/protobuf";
import { ApiConfigSource_ApiType as ApiType, ApiVersion } from "#envoy/gen/envoy/config/core/v3/config_source_pb";
import { SdsSecretConfigSchema, type SdsSecretConfig } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import { durationOf } from "#control-plane/generate/duration";

/** The workload's own certificate. */
export const WORKLOAD_CERTIFICATE = "default";
/** The authorities of the mesh. */
export const MESH_ROOTS = "ROOTCA";
const AGENT_CLUSTER = "sds-grpc";
/** Istio's suffix for the authorities that belong to a credential. */
const AUTHORITIES = "-cacert";
const WORKLOAD_CREDENTIAL = "builtin://";
/** Credentials whose name says already who serves them. */
const SCHEMES = ["kubernetes://", "kubernetes-gateway://", WORKLOAD_CREDENTIAL, "configmap://", "invalid://"];

/** A secret that the agent serves. It waits for the workload's certificate for as long as it takes, but not for files. */
export function agentSecret(name: string): SdsSecretConfig {
  const ofWorkload = name === WORKLOAD_CERTIFICATE || name === MESH_ROOTS;
  return create(SdsSecretConfigSchema, {
    name,
    sdsConfig: {
      configSourceSpecifier: {
        case: "apiConfigSource",
        value: {
          apiType: ApiType.GRPC,
          setNodeOnFirstMessageOnly: true,
          transportApiVersion: ApiVersion.V3,
          grpcServices: [{ targetSpecifier: { case: "envoyGrpc", value: { clusterName: AGENT_CLUSTER } } }],
        },
      },
      resourceApiVersion: ApiVersion.V3,
      ...(ofWorkload ? { initialFetchTimeout: durationOf(0) } : {}),
    },
  });
}

/** The certificate of a credential: a Secret, or the workload's own certificate. */
export function credentialSecret(credentialName: string): SdsSecretConfig {
  if (credentialName === WORKLOAD_CREDENTIAL) return agentSecret(WORKLOAD_CERTIFICATE);
  return controlPlaneSecret(resourceName(credentialName));
}

/** The authorities of a credential. */
export function credentialAuthorities(credentialName: string): SdsSecretConfig {
  if (credentialName === WORKLOAD_CREDENTIAL) return agentSecret(MESH_ROOTS);
  return controlPlaneSecret(resourceName(credentialName) + AUTHORITIES);
}

export function certificateFileName(certificate: string, privateKey: string): string {
  return `file-cert:${certificate}~${privateKey}`;
}

export function authoritiesFileName(path: string): string {
  return `file-root:${path}`;
}

function controlPlaneSecret(name: string): SdsSecretConfig {
  return create(SdsSecretConfigSchema, {
    name,
    sdsConfig: { configSourceSpecifier: { case: "ads", value: {} }, resourceApiVersion: ApiVersion.V3 },
  });
}

function resourceName(credentialName: string): string {
  return SCHEMES.some((scheme) => credentialName.startsWith(scheme)) ? credentialName : `kubernetes://${credentialName}`;
}
