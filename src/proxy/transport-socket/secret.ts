// One SDS secret: a certificate with its key, or what peers are checked against.
import type { MessageShape } from "@bufbuild/protobuf";
import { SecretSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import type { SdsSecretConfig } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import type { TlsCertificate } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/common_pb";
import { ApiConfigSource_ApiType as ApiType } from "#envoy/gen/envoy/config/core/v3/config_source_pb";
import type { ReportViolation } from "#matcher/string-matcher";
import { Violations } from "#proxy/field-check";
import { checkCertificate } from "#proxy/net/secure-context";
import type { CertificateAndKey } from "#proxy/net/secure-context";
import { compileValidation } from "./certificate-validation.ts";
import { fetchTimeoutMs, readResourceSource } from "#proxy/resource-source";
import type { PathSource } from "#proxy/resource-source";
import { readDataSource } from "./data-source.ts";
import { readTicketKeys } from "./ticket-keys.ts";

export type Secret = MessageShape<typeof SecretSchema>;

/** Who serves secrets: the proxy's own ADS stream, a cluster of the bootstrap by name, a file, or the bootstrap itself. */
export type SecretServer =
  | { readonly kind: "ads" }
  | { readonly kind: "cluster"; readonly name: string }
  | PathSource
  | { readonly kind: "static" };

/** A secret that a listener or cluster waits for. */
export interface SecretNeed {
  /** Of secrets of all servers: the same name may come from two. */
  readonly key: string;
  readonly name: string;
  readonly server: SecretServer;
  /** 0: for ever. */
  readonly timeoutMs: number;
}

export function secretKey(server: SecretServer, name: string): string {
  const from = server.kind === "cluster" ? `cluster ${server.name}` : server.kind === "path" ? `path ${server.path}` : server.kind;
  return `${from} ${name}`;
}

export function readSecretConfig({ name, sdsConfig }: SdsSecretConfig, path: string, report: ReportViolation): SecretNeed | undefined {
  const server = secretServer(sdsConfig, `${path}.sds_config`, report);
  if (name === "") report(`${path}.name`, "must not be empty");
  if (server === undefined) return undefined;
  return { key: secretKey(server, name), name, server, timeoutMs: fetchTimeoutMs(sdsConfig) };
}

function secretServer(source: SdsSecretConfig["sdsConfig"], path: string, report: ReportViolation): SecretServer | undefined {
  const specifier = source?.configSourceSpecifier;
  if (source === undefined) return { kind: "static" };
  if (specifier?.case === "ads") return { kind: "ads" };
  if (specifier?.case === "pathConfigSource" || specifier?.case === "path") {
    const file = readResourceSource(source, path, report);
    return file?.kind === "path" ? file : undefined;
  }
  if (specifier?.case !== "apiConfigSource") {
    report(path, `must be ads, path_config_source or api_config_source, ${specifier?.case ?? "nothing"} is not served`);
    return undefined;
  }
  const { apiType, grpcServices } = specifier.value;
  if (apiType !== ApiType.GRPC)
    report(`${path}.api_config_source.api_type`, `${ApiType[apiType] ?? String(apiType)} is not served, only GRPC`);
  const target = grpcServices[0]?.targetSpecifier;
  if (grpcServices.length !== 1 || target?.case !== "envoyGrpc") {
    report(`${path}.api_config_source.grpc_services`, "must be one envoy_grpc service");
    return undefined;
  }
  return { kind: "cluster", name: target.value.clusterName };
}

/** @throws ConfigError; no message holds key material */
export function checkSecret(secret: Secret): void {
  const violations = new Violations();
  switch (secret.type.case) {
    case "tlsCertificate": {
      const certificate = readCertificate(secret.type.value, "tls_certificate", violations.add);
      const problem = certificate === undefined ? undefined : checkCertificate(certificate);
      if (problem !== undefined) violations.add("tls_certificate", problem);
      break;
    }
    case "validationContext":
      compileValidation(secret.type.value, "validation_context", violations.add);
      break;
    case "sessionTicketKeys":
      readTicketKeys(secret.type.value, "session_ticket_keys", violations.add);
      break;
    default:
      violations.add("", `a secret of kind ${secret.type.case ?? "nothing"} is not served`);
  }
  violations.throwIfAny(`secret "${secret.name}"`);
}

/** Undefined: reported. */
export function readCertificate(wire: TlsCertificate, path: string, report: ReportViolation): CertificateAndKey | undefined {
  const chain = readDataSource(wire.certificateChain, `${path}.certificate_chain`, report);
  const key = readDataSource(wire.privateKey, `${path}.private_key`, report);
  const password = readDataSource(wire.password, `${path}.password`, report);
  if (wire.certificateChain === undefined) report(`${path}.certificate_chain`, "must be set");
  if (wire.privateKey === undefined) report(`${path}.private_key`, "must be set");
  return chain === undefined || key === undefined ? undefined : { chain, key, password };
}
