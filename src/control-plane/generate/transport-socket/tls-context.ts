// What the TLS contexts of servers and clients have in common.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { DataSource } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { StringMatcherSchema, type StringMatcher } from "#envoy/gen/envoy/type/matcher/v3/string_pb";
import {
  CertificateValidationContextSchema,
  CertificateValidationContext_TrustChainVerification as TrustChain,
  TlsParameters_TlsProtocol as Protocol,
  type CertificateValidationContext,
} from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/common_pb";
import type { SdsSecretConfig } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import type { CommonTlsContextSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";

type Validation = NonNullable<MessageInitShape<typeof CommonTlsContextSchema>["validationContextType"]>;

export interface PeerRules {
  readonly subjectAltNames?: readonly StringMatcher[];
  /** A file with revoked certificates. */
  readonly crl?: string | undefined;
  readonly spki?: readonly string[] | undefined;
  readonly hashes?: readonly string[] | undefined;
  readonly acceptUntrusted?: boolean | undefined;
  /** In place, where no secret brings them. */
  readonly authorities?: DataSource | undefined;
}

/** Authorities from a secret, the rest in place. */
export function combinedValidation(rules: PeerRules, authorities: SdsSecretConfig): Validation {
  return {
    case: "combinedValidationContext",
    value: { defaultValidationContext: validationContext(rules), validationContextSdsSecretConfig: authorities },
  };
}

export function validationContext(rules: PeerRules): CertificateValidationContext {
  return create(CertificateValidationContextSchema, {
    matchSubjectAltNames: [...(rules.subjectAltNames ?? [])],
    verifyCertificateSpki: [...(rules.spki ?? [])],
    verifyCertificateHash: [...(rules.hashes ?? [])],
    ...(rules.crl === undefined || rules.crl === "" ? {} : { crl: { specifier: { case: "filename" as const, value: rules.crl } } }),
    ...(rules.authorities === undefined ? {} : { trustedCa: rules.authorities }),
    ...(rules.acceptUntrusted === true ? { trustChainVerification: TrustChain.ACCEPT_UNTRUSTED } : {}),
  });
}

export function exactly(name: string): StringMatcher {
  return create(StringMatcherSchema, { matchPattern: { case: "exact", value: name } });
}

export function beginningWith(prefix: string): StringMatcher {
  return create(StringMatcherSchema, { matchPattern: { case: "prefix", value: prefix } });
}

/** An Istio name of a TLS version; undefined for the proxy's choice. */
export function tlsVersion(name: string | undefined): Protocol | undefined {
  switch (name) {
    case "TLSV1_0":
      return Protocol.TLSv1_0;
    case "TLSV1_1":
      return Protocol.TLSv1_1;
    case "TLSV1_2":
      return Protocol.TLSv1_2;
    case "TLSV1_3":
      return Protocol.TLSv1_3;
    default:
      return undefined;
  }
}
