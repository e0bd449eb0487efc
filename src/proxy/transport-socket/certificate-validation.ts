// CertificateValidationContext, compiled: what the peer's certificate must be. OpenSSL has followed the chain already; names, pins and
// what the verdict on the chain means are decided here.
import { CertificateValidationContext_TrustChainVerification as TrustChain } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/common_pb";
import { SubjectAltNameMatcher_SanType as SanType } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/common_pb";
import type { CertificateValidationContext } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/common_pb";
import type { StringMatcher as StringMatcherMessage } from "#envoy/gen/envoy/type/matcher/v3/string_pb";
import { compileStringMatcher } from "#matcher/string-matcher";
import { checkTrust } from "#proxy/net/secure-context";
import type { ReportViolation } from "#matcher/string-matcher";
import { asciiLower } from "#matcher/wire-text";
import type { HandshakeResult } from "#proxy/net/tls-handshake";
import type { CertificateInfo, SubjectAltName } from "#proxy/net/tls-info";
import { readDataSource } from "./data-source.ts";

/** Envoy's statistic of the same name. */
export type VerifyFailure = "fail_verify_error" | "fail_verify_san" | "fail_verify_cert_hash";

export interface CertificateValidation {
  /** PEM; undefined: no chain is followed. */
  readonly trustedCa: string | undefined;
  readonly crl: string | undefined;
  /** Something of the peer is checked, so that its certificate is asked for. */
  readonly verifies: boolean;
  /** Of a peer that showed a certificate. `serverName`: what must stand among its names besides (auto_san_validation). */
  verify(peer: CertificateInfo, chainProblem: HandshakeResult["chainProblem"], serverName?: string): VerifyFailure | undefined;
}

interface NameMatcher {
  readonly type: SubjectAltName["type"];
  readonly matches: (value: string) => boolean;
}

export function compileValidation(wire: CertificateValidationContext, path: string, report: ReportViolation): CertificateValidation {
  checkValues(wire, path, report);
  const trustedCa = readDataSource(wire.trustedCa, `${path}.trusted_ca`, report);
  const crl = readDataSource(wire.crl, `${path}.crl`, report);
  const unreadable = checkTrust(trustedCa, crl);
  if (unreadable !== undefined) report(`${path}.${unreadable}`, "is not PEM that OpenSSL takes");
  const names = compileNames(wire, path, report);
  const hashes = new Set(wire.verifyCertificateHash.map((hash) => hash.replaceAll(":", "").toLowerCase()));
  const publicKeys = new Set(wire.verifyCertificateSpki);
  const followsChain = trustedCa !== undefined && wire.trustChainVerification === TrustChain.VERIFY_TRUST_CHAIN;
  const pinned = hashes.size + publicKeys.size > 0;
  return {
    trustedCa,
    crl,
    verifies: trustedCa !== undefined || names.length > 0 || pinned,
    verify(peer, chainProblem, serverName) {
      if (followsChain && chainProblem !== undefined) return "fail_verify_error";
      if (serverName !== undefined && !peer.subjectAltNames.some((name) => isName(name, serverName))) return "fail_verify_san";
      if (
        names.length > 0 &&
        !peer.subjectAltNames.some(({ type, value }) => names.some((name) => name.type === type && name.matches(value)))
      )
        return "fail_verify_san";
      if (pinned && !hashes.has(peer.hash) && !(publicKeys.size > 0 && publicKeys.has(peer.publicKeyHash))) return "fail_verify_cert_hash";
      return undefined;
    },
  };
}

function checkValues(wire: CertificateValidationContext, path: string, report: ReportViolation): void {
  if (wire.requireSignedCertificateTimestamp === true) report(`${path}.require_signed_certificate_timestamp`, "not served by this proxy");
  for (const [at, hash] of wire.verifyCertificateHash.entries()) {
    if (!/^([0-9a-fA-F]{64}|[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){31})$/.test(hash))
      report(`${path}.verify_certificate_hash[${at}]`, "must be a SHA-256 in hexadecimal");
  }
  for (const [at, hash] of wire.verifyCertificateSpki.entries()) {
    if (!/^[A-Za-z0-9+/]{43}=$/.test(hash)) report(`${path}.verify_certificate_spki[${at}]`, "must be a SHA-256 in base64");
  }
}

const SAN_TYPES: ReadonlyMap<SanType, SubjectAltName["type"]> = new Map([
  [SanType.EMAIL, "EMAIL"],
  [SanType.DNS, "DNS"],
  [SanType.URI, "URI"],
  [SanType.IP_ADDRESS, "IP_ADDRESS"],
]);

function compileNames(wire: CertificateValidationContext, path: string, report: ReportViolation): NameMatcher[] {
  const names = wire.matchTypedSubjectAltNames.flatMap(({ sanType, matcher }, at): NameMatcher[] => {
    const field = `${path}.match_typed_subject_alt_names[${at}]`;
    const type = SAN_TYPES.get(sanType);
    if (type === undefined) report(`${field}.san_type`, `${SanType[sanType] ?? String(sanType)} is not served yet`);
    if (matcher === undefined) report(`${field}.matcher`, "must be set");
    return type === undefined || matcher === undefined ? [] : [{ type, matches: nameMatcher(type, matcher, `${field}.matcher`, report) }];
  });
  for (const [at, matcher] of wire.matchSubjectAltNames.entries()) {
    const field = `${path}.match_subject_alt_names[${at}]`;
    for (const type of SAN_TYPES.values()) names.push({ type, matches: nameMatcher(type, matcher, field, report) });
  }
  return names;
}

function nameMatcher(
  type: SubjectAltName["type"],
  matcher: StringMatcherMessage,
  path: string,
  report: ReportViolation,
): (value: string) => boolean {
  const compiled = compileStringMatcher(matcher, path, report);
  const { matchPattern } = matcher;
  // A certificate's `*.example.com` is for `a.example.com`: DNS names are not compared as mere text.
  if (type === "DNS" && matchPattern.case === "exact") return (value) => dnsNameMatches(value, matchPattern.value);
  return (value) => compiled.matches(value);
}

function isName({ type, value }: SubjectAltName, wanted: string): boolean {
  return type === "DNS" ? dnsNameMatches(value, wanted) : value === wanted;
}

/** RFC 6125: without case; `*` as the first label stands for exactly one. */
function dnsNameMatches(pattern: string, name: string): boolean {
  const [wanted, given] = [asciiLower(pattern), asciiLower(name)];
  if (wanted === given) return true;
  if (!wanted.startsWith("*.")) return false;
  const dot = given.indexOf(".");
  return dot > 0 && given.slice(dot) === wanted.slice(1) && wanted.indexOf(".", 2) > 0;
}
