// TLS where a proxy is the server: a sidecar for calls within the mesh, and what a Gateway server or a Sidecar's ingress asks for.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { TlsParameters_TlsProtocol as Protocol, type TlsCertificate } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/common_pb";
import type { SdsSecretConfig } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import { DownstreamTlsContextSchema, type DownstreamTlsContext } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import type { ServerTLSSettings } from "#api/gateway";
import type { MeshConfigSpec } from "#api/mesh-config";
import { authoritiesFile, certificateFiles, type FileReader } from "./file-secrets.ts";
import {
  agentSecret,
  authoritiesFileName,
  certificateFileName,
  credentialAuthorities,
  credentialSecret,
  MESH_ROOTS,
  WORKLOAD_CERTIFICATE,
} from "./secret-config.ts";
import { beginningWith, combinedValidation, exactly, tlsVersion, validationContext, type PeerRules } from "./tls-context.ts";

const HTTP_ALPN = ["h2", "http/1.1"];
/** With the name of the protocol in which Istio's metadata exchange filters talk on TCP connections. */
const METADATA_EXCHANGE_ALPN = ["istio-peer-exchange", ...HTTP_ALPN];
/** Istio's choice for calls within the mesh. */
const MESH_CIPHERS = [
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "AES256-GCM-SHA384",
  "AES128-GCM-SHA256",
];

type CommonInit = Exclude<NonNullable<MessageInitShape<typeof DownstreamTlsContextSchema>["commonTlsContext"]>, { $typeName: string }>;
type ParametersInit = Exclude<NonNullable<CommonInit["tlsParams"]>, { $typeName: string }>;

export interface DownstreamTlsOptions {
  readonly mesh: MeshConfigSpec;
  /** What is spoken inside. */
  readonly transport: "http" | "tcp";
  /** Whether the proxy has Istio's metadata exchange filter; without it the name in ALPN must not be offered. */
  readonly metadataExchange: boolean;
}

/** Mutual TLS of a sidecar's inbound chain: callers prove that they are of the mesh's trust domains. */
export function meshDownstreamTlsContext({ mesh, transport, metadataExchange }: DownstreamTlsOptions): DownstreamTlsContext {
  const ciphers = mesh.meshMTLS?.cipherSuites ?? [];
  const trustDomains = new Set([mesh.trustDomain ?? "cluster.local", ...(mesh.trustDomainAliases ?? [])]);
  return create(DownstreamTlsContextSchema, {
    requireClientCertificate: true,
    commonTlsContext: {
      alpnProtocols: transport === "tcp" && metadataExchange ? METADATA_EXCHANGE_ALPN : HTTP_ALPN,
      tlsParams: {
        tlsMinimumProtocolVersion: tlsVersion(mesh.meshMTLS?.minProtocolVersion) ?? Protocol.TLSv1_2,
        tlsMaximumProtocolVersion: Protocol.TLSv1_3,
        cipherSuites: ciphers.length > 0 ? [...ciphers] : MESH_CIPHERS,
        ecdhCurves: [...(mesh.meshMTLS?.ecdhCurves ?? [])],
      },
      tlsCertificateSdsSecretConfigs: [agentSecret(WORKLOAD_CERTIFICATE)],
      validationContextType: combinedValidation(
        { subjectAltNames: [...trustDomains].map((domain) => beginningWith(`spiffe://${domain}/`)) },
        agentSecret(MESH_ROOTS),
      ),
    },
  });
}

export interface ServerTlsOptions extends DownstreamTlsOptions {
  readonly fileReader: FileReader;
}

/** TLS as a Gateway server or a Sidecar's ingress listener asks for it; undefined where TLS does not end at the proxy. */
export function downstreamTlsContext(tls: ServerTLSSettings, options: ServerTlsOptions): DownstreamTlsContext | undefined {
  const mode = tls.mode ?? "PASSTHROUGH";
  if (mode === "PASSTHROUGH" || mode === "AUTO_PASSTHROUGH") return undefined;
  const ofMesh = mode === "ISTIO_MUTUAL";
  const exchange = ofMesh && options.transport === "tcp" && options.metadataExchange;
  const parameters = ofMesh ? undefined : tlsParameters(tls, options.mesh);
  return create(DownstreamTlsContextSchema, {
    requireClientCertificate: mode === "MUTUAL" || ofMesh,
    commonTlsContext: {
      alpnProtocols: exchange ? METADATA_EXCHANGE_ALPN : HTTP_ALPN,
      ...(parameters === undefined ? {} : { tlsParams: parameters }),
      ...(ofMesh
        ? certificatesOfMesh(tls)
        : credentialNames(tls).length > 0
          ? certificatesOfCredentials(tls)
          : certificatesOfFiles(tls, options.fileReader)),
    },
  });
}

/** Names of the credentials whose certificates the server shows. */
function credentialNames(tls: ServerTLSSettings): readonly string[] {
  if (tls.credentialNames !== undefined && tls.credentialNames.length > 0) return tls.credentialNames;
  return tls.credentialName === undefined || tls.credentialName === "" ? [] : [tls.credentialName];
}

function certificatesOfMesh(tls: ServerTLSSettings): CommonInit {
  return {
    tlsCertificateSdsSecretConfigs: [agentSecret(WORKLOAD_CERTIFICATE)],
    validationContextType: combinedValidation({ subjectAltNames: subjectAltNames(tls), crl: tls.caCrl }, agentSecret(MESH_ROOTS)),
  };
}

function certificatesOfCredentials(tls: ServerTLSSettings): CommonInit {
  const names = credentialNames(tls);
  const tlsCertificateSdsSecretConfigs = names.map(credentialSecret);
  if (validatesClient(tls)) {
    // One set of authorities for all certificates: the first credential's, unless it is named.
    const authorities = tls.caCertCredentialName === undefined || tls.caCertCredentialName === "" ? names[0]! : tls.caCertCredentialName;
    return {
      tlsCertificateSdsSecretConfigs,
      validationContextType: combinedValidation(
        { ...clientRules(tls), spki: tls.verifyCertificateSpki, hashes: tls.verifyCertificateHash },
        credentialAuthorities(authorities),
      ),
    };
  }
  if ((tls.subjectAltNames ?? []).length === 0) return { tlsCertificateSdsSecretConfigs };
  return {
    tlsCertificateSdsSecretConfigs,
    validationContextType: { case: "validationContext", value: validationContext({ subjectAltNames: subjectAltNames(tls) }) },
  };
}

function certificatesOfFiles(tls: ServerTLSSettings, reader: FileReader): CommonInit {
  const pairs = tls.tlsCertificates !== undefined && tls.tlsCertificates.length > 0 ? tls.tlsCertificates : [tls];
  const tlsCertificates: TlsCertificate[] = [];
  const tlsCertificateSdsSecretConfigs: SdsSecretConfig[] = [];
  for (const { serverCertificate = "", privateKey = "" } of pairs) {
    // Without files it is the workload's own certificate, as in Istio.
    if (serverCertificate === "" || privateKey === "") tlsCertificateSdsSecretConfigs.push(agentSecret(WORKLOAD_CERTIFICATE));
    else if (reader === "proxy") tlsCertificates.push(certificateFiles(serverCertificate, privateKey));
    else tlsCertificateSdsSecretConfigs.push(agentSecret(certificateFileName(serverCertificate, privateKey)));
  }
  const certificates = { tlsCertificates, tlsCertificateSdsSecretConfigs };
  if (!validatesClient(tls)) return certificates;
  const { caCertificates = "" } = tls;
  const rules = { ...clientRules(tls), crl: tls.caCrl };
  if (reader === "proxy" && caCertificates !== "") {
    const value = validationContext({ ...rules, authorities: authoritiesFile(caCertificates) });
    return { ...certificates, validationContextType: { case: "validationContext", value } };
  }
  const authorities = agentSecret(caCertificates === "" ? MESH_ROOTS : authoritiesFileName(caCertificates));
  return { ...certificates, validationContextType: combinedValidation(rules, authorities) };
}

function validatesClient(tls: ServerTLSSettings): boolean {
  return tls.mode === "MUTUAL" || tls.mode === "OPTIONAL_MUTUAL";
}

function clientRules(tls: ServerTLSSettings): PeerRules {
  return { subjectAltNames: subjectAltNames(tls), acceptUntrusted: tls.insecureSkipVerify };
}

function subjectAltNames(tls: ServerTLSSettings) {
  return (tls.subjectAltNames ?? []).map(exactly);
}

/** What the server says counts before what the mesh says; undefined where neither says anything. */
function tlsParameters(tls: ServerTLSSettings, mesh: MeshConfigSpec): ParametersInit | undefined {
  const defaults = mesh.tlsDefaults;
  const minimum = tlsVersion(tls.minProtocolVersion) ?? tlsVersion(defaults?.minProtocolVersion);
  const maximum = tlsVersion(tls.maxProtocolVersion);
  const ciphers = filled(tls.cipherSuites) ?? filled(defaults?.cipherSuites);
  const curves = filled(tls.ecdhCurves) ?? filled(defaults?.ecdhCurves);
  if (minimum === undefined && maximum === undefined && ciphers === undefined && curves === undefined) return undefined;
  return {
    ...(minimum === undefined ? {} : { tlsMinimumProtocolVersion: minimum }),
    ...(maximum === undefined ? {} : { tlsMaximumProtocolVersion: maximum }),
    ...(ciphers === undefined ? {} : { cipherSuites: [...ciphers] }),
    ...(curves === undefined ? {} : { ecdhCurves: [...curves] }),
  };
}

function filled(list: readonly string[] | undefined): readonly string[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list;
}
