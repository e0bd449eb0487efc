// TLS where a proxy is the client: towards endpoints of a cluster.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { TlsParameters_TlsProtocol as Protocol } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/common_pb";
import { UpstreamTlsContextSchema, type UpstreamTlsContext } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import type { ClientTLSSettings } from "#api/destination-rule";
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
import { combinedValidation, exactly, validationContext } from "./tls-context.ts";

type CommonInit = Exclude<NonNullable<MessageInitShape<typeof UpstreamTlsContextSchema>["commonTlsContext"]>, { $typeName: string }>;

export interface MeshUpstreamTls {
  readonly sni: string;
  /** Names of which the server's certificate must bear one. */
  readonly subjectAltNames: readonly string[];
  readonly http2: boolean;
  readonly metadataExchange: boolean;
}

/** Mutual TLS with the workload's own certificate. */
export function meshUpstreamTlsContext({ sni, subjectAltNames, http2, metadataExchange }: MeshUpstreamTls): UpstreamTlsContext {
  return create(UpstreamTlsContextSchema, {
    sni,
    commonTlsContext: {
      tlsParams: { tlsMinimumProtocolVersion: Protocol.TLSv1_2, tlsMaximumProtocolVersion: Protocol.TLSv1_3 },
      // "istio" lets a permissive server know its own mesh's TLS from an application's.
      alpnProtocols: [...(metadataExchange ? ["istio-peer-exchange"] : []), "istio", ...(http2 ? ["h2"] : [])],
      tlsCertificateSdsSecretConfigs: [agentSecret(WORKLOAD_CERTIFICATE)],
      validationContextType: combinedValidation({ subjectAltNames: subjectAltNames.map(exactly) }, agentSecret(MESH_ROOTS)),
    },
  });
}

export interface UpstreamTls {
  /** Mode SIMPLE or MUTUAL. */
  readonly tls: ClientTLSSettings;
  /** Names from the service where the rule has none. */
  readonly subjectAltNames: readonly string[];
  readonly http2: boolean;
  readonly mesh: MeshConfigSpec;
  readonly fileReader: FileReader;
}

/** TLS as a DestinationRule asks for it; undefined where MUTUAL comes without a certificate. */
export function upstreamTlsContext({ tls, subjectAltNames, http2, mesh, fileReader }: UpstreamTls): UpstreamTlsContext | undefined {
  const names = tls.subjectAltNames !== undefined && tls.subjectAltNames.length > 0 ? tls.subjectAltNames : subjectAltNames;
  const secrets = written(tls.credentialName) ? secretsOfCredential(tls, names) : secretsOfFiles(tls, names, fileReader);
  if (secrets === undefined) return undefined;
  return create(UpstreamTlsContextSchema, {
    sni: tls.sni ?? "",
    commonTlsContext: {
      tlsParams: {
        tlsMinimumProtocolVersion: Protocol.TLSv1_2,
        tlsMaximumProtocolVersion: Protocol.TLSv1_3,
        ecdhCurves: [...(mesh.tlsDefaults?.ecdhCurves ?? [])],
        cipherSuites: [...(mesh.tlsDefaults?.cipherSuites ?? [])],
      },
      alpnProtocols: http2 ? ["h2"] : [],
      ...secrets,
    },
  });
}

function secretsOfCredential(tls: ClientTLSSettings, names: readonly string[]): CommonInit {
  const { credentialName = "" } = tls;
  return {
    ...(tls.mode === "MUTUAL" ? { tlsCertificateSdsSecretConfigs: [credentialSecret(credentialName)] } : {}),
    ...(tls.insecureSkipVerify === true
      ? {}
      : { validationContextType: combinedValidation({ subjectAltNames: names.map(exactly) }, credentialAuthorities(credentialName)) }),
  };
}

function secretsOfFiles(tls: ClientTLSSettings, names: readonly string[], reader: FileReader): CommonInit | undefined {
  const { clientCertificate = "", privateKey = "" } = tls;
  const mutual = tls.mode === "MUTUAL";
  if (mutual && (clientCertificate === "" || privateKey === "")) return undefined;
  // Without a file the authorities of the operating system count, under the name "system".
  const authorities = written(tls.caCertificates) ? tls.caCertificates! : "system";
  const rules = { subjectAltNames: names.map(exactly), crl: tls.caCrl };
  const unchecked = tls.insecureSkipVerify === true;
  if (reader === "proxy") {
    const value = validationContext(unchecked ? {} : { ...rules, authorities: authoritiesFile(authorities) });
    return {
      ...(mutual ? { tlsCertificates: [certificateFiles(clientCertificate, privateKey)] } : {}),
      validationContextType: { case: "validationContext", value },
    };
  }
  return {
    ...(mutual ? { tlsCertificateSdsSecretConfigs: [agentSecret(certificateFileName(clientCertificate, privateKey))] } : {}),
    validationContextType: unchecked
      ? { case: "validationContext", value: validationContext({}) }
      : combinedValidation(rules, agentSecret(authoritiesFileName(authorities))),
  };
}

function written(text: string | undefined): boolean {
  return text !== undefined && text !== "";
}
