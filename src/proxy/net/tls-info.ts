// What is known of a TLS connection once its handshake is over. Certificates are parsed when somebody asks.
import { createHash } from "node:crypto";
import type { X509Certificate } from "node:crypto";

export interface TlsInfo {
  /** `TLSv1.3` */
  readonly version: string;
  /** OpenSSL's name: `TLS_AES_128_GCM_SHA256`, `ECDHE-RSA-AES128-GCM-SHA256`. */
  readonly cipher: string;
  /** ALPN; "" when none was agreed on. */
  readonly applicationProtocol: string;
  readonly peer: CertificateInfo | undefined;
  /** The peer's certificate was checked against a trusted authority, and held. */
  readonly peerValidated: boolean;
  readonly local: CertificateInfo | undefined;
}

export interface SubjectAltName {
  readonly type: "DNS" | "URI" | "EMAIL" | "IP_ADDRESS" | "OTHER_NAME";
  readonly value: string;
}

export class CertificateInfo {
  readonly #certificate: X509Certificate;
  #names: readonly SubjectAltName[] | undefined;
  #hash: string | undefined;

  constructor(certificate: X509Certificate) {
    this.#certificate = certificate;
  }

  get subjectAltNames(): readonly SubjectAltName[] {
    return (this.#names ??= parseSubjectAltNames(this.#certificate.subjectAltName));
  }

  names(type: SubjectAltName["type"]): string[] {
    return this.subjectAltNames.filter((name) => name.type === type).map(({ value }) => value);
  }

  /** RFC 2253: the most specific part first. */
  get subject(): string {
    return distinguishedName(this.#certificate.subject);
  }

  get issuer(): string {
    return distinguishedName(this.#certificate.issuer);
  }

  /** Lower-case hexadecimal, as Envoy prints it. */
  get serialNumber(): string {
    return this.#certificate.serialNumber.toLowerCase();
  }

  /** SHA-256 of the certificate, hexadecimal. */
  get hash(): string {
    return (this.#hash ??= createHash("sha256").update(this.#certificate.raw).digest("hex"));
  }

  /** SHA-256 of the public key's SubjectPublicKeyInfo, base64. */
  get publicKeyHash(): string {
    const key = this.#certificate.publicKey.export({ type: "spki", format: "der" });
    return createHash("sha256").update(key).digest("base64");
  }

  get pem(): string {
    return this.#certificate.toString();
  }

  /** This certificate and those that the peer sent behind it. */
  get chainPem(): string {
    let text = "";
    const seen = new Set<string>();
    for (let at: X509Certificate | undefined = this.#certificate; at !== undefined; at = at.issuerCertificate) {
      if (seen.has(at.fingerprint256)) break;
      seen.add(at.fingerprint256);
      text += at.toString();
    }
    return text;
  }

  get validFromMs(): number {
    return Date.parse(this.#certificate.validFrom);
  }

  get validToMs(): number {
    return Date.parse(this.#certificate.validTo);
  }
}

/** Node prints one attribute a line, in the order of the encoding, values escaped as RFC 2253 wants; nothing at all for a name without any. */
function distinguishedName(lines: string | undefined): string {
  return (lines ?? "").split("\n").reverse().join(",");
}

const TYPES: Readonly<Record<string, SubjectAltName["type"]>> = {
  DNS: "DNS",
  URI: "URI",
  email: "EMAIL",
  "IP Address": "IP_ADDRESS",
  othername: "OTHER_NAME",
};

/** Node's form: `DNS:a.b, URI:spiffe://x`; a value that holds a comma or a quote is a JSON string, so that no value can pose as another. */
export function parseSubjectAltNames(text: string | undefined): SubjectAltName[] {
  const names: SubjectAltName[] = [];
  const entry = /([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/gy;
  for (const [, kind = "", value = ""] of (text ?? "").matchAll(entry)) {
    const type = TYPES[kind];
    if (type !== undefined) names.push({ type, value: value.startsWith('"') ? (JSON.parse(value) as string) : value });
  }
  return names;
}
