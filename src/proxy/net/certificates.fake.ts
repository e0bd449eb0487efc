// A certificate authority for tests: what Istio's would issue (a SPIFFE identity per workload) and what a web server has (DNS names).
import { createPrivateKey, generateKeyPairSync, randomBytes, X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { generalizedTime, integer, sequence } from "#runtime/der";
import {
  basicConstraints,
  CLIENT_AUTH,
  distinguishedName,
  ECDSA_SHA256,
  extendedKeyUsage,
  keyPem,
  type KeyPair,
  keyUsage,
  SERVER_AUTH,
  signCertificate,
  signedPem,
  subjectAltName,
  type SubjectAltNames,
} from "#runtime/x509";

const ORGANIZATION = "Mizzen, tests";
const DAY_MS = 86_400_000;

export interface Names extends SubjectAltNames {
  /** Empty: a subject without any attribute, as in certificates whose identity is a URI. */
  readonly commonName?: string;
}

export class FakeAuthority {
  readonly root: KeyPair;
  readonly #key: KeyObject;
  readonly #name: Buffer;

  /** @param root what another process made under the same name; else new */
  constructor(commonName = "root", root?: KeyPair) {
    this.#name = distinguishedName({ organization: ORGANIZATION, commonName });
    this.root = root ?? newRoot(this.#name);
    this.#key = createPrivateKey(this.root.key);
  }

  issue({ commonName = "leaf", ...names }: Names, kind: "ec" | "rsa" = "ec"): KeyPair {
    const { privateKey, publicKey } =
      kind === "ec" ? generateKeyPairSync("ec", { namedCurve: "P-256" }) : generateKeyPairSync("rsa", { modulusLength: 2048 });
    const hasSubject = commonName !== "";
    const extensions = [
      keyUsage("digitalSignature", "keyEncipherment"),
      extendedKeyUsage(SERVER_AUTH, CLIENT_AUTH),
      basicConstraints(false),
      subjectAltName(names, !hasSubject),
    ];
    const subject = distinguishedName(hasSubject ? { organization: ORGANIZATION, commonName } : {});
    return {
      certificate: signCertificate({ issuer: this.#name, subject, publicKey, extensions, ...fresh() }, this.#key),
      key: keyPem(privateKey),
    };
  }

  issueIdentity(spiffeId: string): KeyPair {
    return this.issue({ commonName: "", uris: [spiffeId] });
  }

  /** A revocation list (RFC 5280 5.1) that names these certificates. */
  revoke(...certificates: readonly KeyPair[]): string {
    const now = Date.now();
    const revoked = certificates.map(({ certificate }) =>
      sequence(integer(Buffer.from(new X509Certificate(certificate).serialNumber, "hex")), generalizedTime(new Date(now - DAY_MS / 24))),
    );
    const body = sequence(
      integer(Buffer.of(1)),
      ECDSA_SHA256,
      this.#name,
      generalizedTime(new Date(now - DAY_MS)),
      generalizedTime(new Date(now + DAY_MS)),
      ...(revoked.length === 0 ? [] : [sequence(...revoked)]),
    );
    return signedPem("X509 CRL", body, this.#key);
  }
}

function newRoot(name: Buffer): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const extensions = [keyUsage("keyCertSign", "cRLSign"), basicConstraints(true)];
  return {
    certificate: signCertificate({ issuer: name, subject: name, publicKey, extensions, ...fresh() }, privateKey),
    key: keyPem(privateKey),
  };
}

function fresh(): { serial: Buffer; notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { serial: randomBytes(15), notBefore: new Date(now - DAY_MS), notAfter: new Date(now + 30 * DAY_MS) };
}
