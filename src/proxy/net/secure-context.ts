// OpenSSL's context: certificates, keys and what may be negotiated. The only place that knows Node's options for it.
import { createHash, X509Certificate } from "node:crypto";
import { createSecureContext, getCiphers } from "node:tls";
import type { SecureContext, SecureVersion } from "node:tls";

import { parseSubjectAltNames } from "./tls-info.ts";

export type { SecureContext } from "node:tls";
export type TlsVersion = SecureVersion;

export interface CertificateAndKey {
  /** PEM, the leaf first. */
  readonly chain: string;
  readonly key: string;
  readonly password: string | undefined;
}

export interface SecureContextOptions {
  readonly certificates: readonly CertificateAndKey[];
  /** PEM; undefined: nobody is trusted, which only matters to who asks whether the peer's chain held. */
  readonly trustedCa: string | undefined;
  readonly crl: string | undefined;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** OpenSSL's names, of TLS 1.2 and below. */
  readonly ciphers: readonly string[];
  readonly curves: readonly string[];
  readonly signatureAlgorithms: readonly string[];
  readonly sessionTickets: boolean;
  readonly sessionTimeoutSeconds: number | undefined;
  /** 48 bytes: name, HMAC key, AES key of 16 each. */
  readonly ticketKeys: Buffer | undefined;
}

// TLS 1.3 has no weak suites to choose from; like Envoy, whoever allows it allows them all.
const TLS13 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

const SSL_OP_NO_TICKET = 1 << 14;

let known: ReadonlySet<string> | undefined;

export function isKnownCipher(name: string): boolean {
  known ??= new Set(getCiphers().map((cipher) => cipher.toUpperCase()));
  return known.has(name.toUpperCase());
}

/** @throws Error saying what OpenSSL does not take; it never holds key material */
export function makeSecureContext(options: SecureContextOptions): SecureContext {
  const { certificates, trustedCa, crl, sessionTimeoutSeconds, signatureAlgorithms, ticketKeys } = options;
  const identity = createHash("sha256").update(trustedCa ?? "");
  for (const { chain } of certificates) identity.update(chain);
  return createSecureContext({
    cert: certificates.map(({ chain }) => chain),
    key: certificates.map(({ key, password }) => (password === undefined ? { pem: key } : { pem: key, passphrase: password })),
    // Without a list Node trusts the roots it was built with.
    ca: trustedCa === undefined ? [] : [trustedCa],
    ...(crl === undefined ? {} : { crl }),
    ...(signatureAlgorithms.length === 0 ? {} : { sigalgs: signatureAlgorithms.join(":") }),
    ...(sessionTimeoutSeconds === undefined ? {} : { sessionTimeout: sessionTimeoutSeconds }),
    ...(ticketKeys === undefined ? {} : { ticketKeys }),
    minVersion: options.minVersion,
    maxVersion: options.maxVersion,
    ciphers: [...TLS13, ...options.ciphers].join(":"),
    ecdhCurve: options.curves.join(":"),
    honorCipherOrder: true,
    // An intermediate that is trusted is enough, as in Envoy.
    allowPartialTrustChain: true,
    // A session belongs to this configuration: one that began under other certificates is not resumed.
    sessionIdContext: identity.digest("hex").slice(0, 32),
    secureOptions: options.sessionTickets ? 0 : SSL_OP_NO_TICKET,
  });
}

/** Why a certificate and its key are no pair; undefined: they are. Never says anything of the key itself. */
export function checkCertificate({ chain, key, password }: CertificateAndKey): string | undefined {
  try {
    createSecureContext({ cert: chain, key, ca: [], ...(password === undefined ? {} : { passphrase: password }) });
    return undefined;
  } catch (error) {
    const { reason, code } = error as Error & { reason?: string; code?: string };
    return `the certificate and its private key cannot be used: ${reason ?? code ?? "OpenSSL does not take them"}`;
  }
}

/** Which of the two OpenSSL does not take; undefined: it takes both. */
export function checkTrust(trustedCa: string | undefined, crl: string | undefined): "trusted_ca" | "crl" | undefined {
  try {
    // A context takes authorities that are none without a word; of a certificate everything can be asked.
    if (trustedCa !== undefined && trustedCa !== "") keyTypeOf(trustedCa);
  } catch {
    return "trusted_ca";
  }
  try {
    if (crl !== undefined) createSecureContext({ ca: [], crl });
  } catch {
    return "crl";
  }
  return undefined;
}

/** "rsa", "ec" ...: a context holds one certificate of each. */
export function keyTypeOf(chain: string): string {
  return new X509Certificate(chain).publicKey.asymmetricKeyType ?? "";
}

/** The DNS names for which a server would show this certificate: its subjectAltNames, else its common name. */
export function serverNamesOf(chain: string): readonly string[] {
  const certificate = new X509Certificate(chain);
  const names = parseSubjectAltNames(certificate.subjectAltName).filter(({ type }) => type === "DNS");
  if (names.length > 0) return names.map(({ value }) => value.toLowerCase());
  const commonName = /^CN=(.*)$/m.exec(certificate.subject)?.[1];
  return commonName === undefined ? [] : [commonName.toLowerCase()];
}
