// CommonTlsContext, compiled: fixed certificates and validation, or references to secrets that are looked up when a connection comes, so
// that a changed secret serves new connections and touches none that stand.
import { toBinary } from "@bufbuild/protobuf";
import { decodeMessage } from "#envoy/decode";
import { CertificateValidationContextSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/common_pb";
import type { CertificateValidationContext } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/common_pb";
import type { CommonTlsContext } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import type { ReportViolation } from "#matcher/string-matcher";
import { checkCertificate, makeSecureContext } from "#proxy/net/secure-context";
import type { CertificateAndKey, SecureContext } from "#proxy/net/secure-context";
import { compileValidation } from "./certificate-validation.ts";
import type { CertificateValidation } from "./certificate-validation.ts";
import { readCertificate, readSecretConfig } from "./secret.ts";
import type { Secret, SecretNeed } from "./secret.ts";
import type { TlsNegotiation } from "./tls-parameters.ts";
import { readTlsParameters } from "./tls-parameters.ts";

export interface Secrets {
  /** Another object when the secret changes. */
  get(key: string): Secret | undefined;
}

export interface TlsSessions {
  readonly tickets: boolean;
  readonly timeoutSeconds: number | undefined;
}

/** Everything that a handshake needs, as of now. */
export interface TlsMaterial {
  readonly certificates: readonly CertificateAndKey[];
  readonly validation: CertificateValidation | undefined;
  /** `ticketKeys`: see readTicketKeys; undefined: the context has some of its own. */
  secureContext(certificates: readonly CertificateAndKey[], ticketKeys?: Buffer): SecureContext;
}

export interface TlsContext {
  readonly needs: readonly SecretNeed[];
  readonly applicationProtocols: readonly string[];
  /** Undefined: a secret is not there. The same object as long as no secret changed. */
  material(secrets: Secrets): TlsMaterial | undefined;
}

const nothing: ReportViolation = () => {};

export function compileTlsContext(
  wire: CommonTlsContext | undefined,
  side: "client" | "server",
  sessions: TlsSessions,
  path: string,
  report: ReportViolation,
): TlsContext {
  const negotiation = readTlsParameters(wire?.tlsParams, side, `${path}.tls_params`, report);
  const fixed = (wire?.tlsCertificates ?? []).flatMap((certificate, at) => {
    const field = `${path}.tls_certificates[${at}]`;
    const read = readCertificate(certificate, field, report);
    const problem = read === undefined ? undefined : checkCertificate(read);
    if (problem !== undefined) report(field, problem);
    return read ?? [];
  });
  const certificateNeeds = (wire?.tlsCertificateSdsSecretConfigs ?? []).flatMap(
    (config, at) => readSecretConfig(config, `${path}.tls_certificate_sds_secret_configs[${at}]`, report) ?? [],
  );
  const count = fixed.length + certificateNeeds.length;
  if (side === "server" && count === 0) report(path, "a server needs a certificate");
  if (side === "client" && count > 1) report(path, "a client shows at most one certificate");
  const validation = readValidation(wire, path, report);
  const needs = validation.need === undefined ? certificateNeeds : [...certificateNeeds, validation.need];

  let current: { readonly secrets: readonly Secret[]; readonly material: TlsMaterial } | undefined;
  return {
    needs,
    applicationProtocols: wire?.alpnProtocols ?? [],
    material(store) {
      const secrets: Secret[] = [];
      for (const { key } of needs) {
        const secret = store.get(key);
        if (secret === undefined) return undefined;
        secrets.push(secret);
      }
      if (current === undefined || secrets.some((secret, at) => secret !== current?.secrets[at])) {
        const certificates = [...fixed, ...secrets.slice(0, certificateNeeds.length).flatMap((secret) => certificateOf(secret) ?? [])];
        const dynamic = validation.need === undefined ? undefined : secrets.at(-1);
        current = { secrets, material: makeMaterial(certificates, validation.merge(dynamic), negotiation, sessions) };
      }
      return current.material;
    },
  };
}

function makeMaterial(
  certificates: readonly CertificateAndKey[],
  validation: CertificateValidation | undefined,
  negotiation: TlsNegotiation,
  sessions: TlsSessions,
): TlsMaterial {
  return {
    certificates,
    validation,
    secureContext: (chosen, ticketKeys) =>
      makeSecureContext({
        certificates: chosen,
        trustedCa: validation?.trustedCa,
        crl: validation?.crl,
        ...negotiation,
        sessionTickets: sessions.tickets,
        sessionTimeoutSeconds: sessions.timeoutSeconds,
        ticketKeys,
      }),
  };
}

function certificateOf({ type }: Secret): CertificateAndKey | undefined {
  return type.case === "tlsCertificate" ? readCertificate(type.value, "", nothing) : undefined;
}

interface ValidationSource {
  readonly need: SecretNeed | undefined;
  merge(dynamic: Secret | undefined): CertificateValidation | undefined;
}

function readValidation(wire: CommonTlsContext | undefined, path: string, report: ReportViolation): ValidationSource {
  const source = wire?.validationContextType;
  const compile = (context: CertificateValidationContext): CertificateValidation => compileValidation(context, "", nothing);
  const contextOf = (secret: Secret | undefined): CertificateValidationContext | undefined =>
    secret?.type.case === "validationContext" ? secret.type.value : undefined;
  switch (source?.case) {
    case undefined:
      return { need: undefined, merge: () => undefined };
    case "validationContext": {
      const compiled = compileValidation(source.value, `${path}.validation_context`, report);
      // As Envoy: names that anybody may write into a certificate prove nothing.
      const named = source.value.matchTypedSubjectAltNames.length + source.value.matchSubjectAltNames.length > 0;
      if (named && compiled.trustedCa === undefined)
        report(`${path}.validation_context`, "subject alternative names are only worth something below a trusted_ca");
      return { need: undefined, merge: () => compiled };
    }
    case "validationContextSdsSecretConfig": {
      const need = readSecretConfig(source.value, `${path}.validation_context_sds_secret_config`, report);
      return {
        need,
        merge(dynamic) {
          const context = contextOf(dynamic);
          return context === undefined ? undefined : compile(context);
        },
      };
    }
    case "combinedValidationContext": {
      const { defaultValidationContext: base, validationContextSdsSecretConfig: config } = source.value;
      const field = `${path}.combined_validation_context`;
      if (base === undefined) report(`${field}.default_validation_context`, "must be set");
      else compileValidation(base, `${field}.default_validation_context`, report);
      if (config === undefined) report(`${field}.validation_context_sds_secret_config`, "must be set");
      const need = config === undefined ? undefined : readSecretConfig(config, `${field}.validation_context_sds_secret_config`, report);
      const parts = (dynamic: Secret | undefined): CertificateValidationContext[] =>
        [base, contextOf(dynamic)].filter((part) => part !== undefined);
      return { need, merge: (dynamic) => compile(mergeContexts(parts(dynamic))) };
    }
    case "validationContextCertificateProvider":
    case "validationContextCertificateProviderInstance":
      report(path, `${source.case} is not served`);
      return { need: undefined, merge: () => undefined };
  }
}

/** Protobuf's merge is the concatenation of the encodings: lists add up, the last of single values stands. */
function mergeContexts(parts: readonly CertificateValidationContext[]): CertificateValidationContext {
  return decodeMessage(
    CertificateValidationContextSchema,
    Buffer.concat(parts.map((part) => toBinary(CertificateValidationContextSchema, part))),
  );
}
