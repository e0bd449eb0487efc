// A certificate authority for tests: issues what Istio's would (a SPIFFE identity per workload) and what a web server has (DNS names).
import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { isIP } from "node:net";
import {
  bitString,
  boolean,
  explicit,
  generalizedTime,
  implicit,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  utf8String,
} from "#runtime/der";

/** Both in PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateNames {
  /** The common name of the subject; none where an identity says it all. */
  readonly commonName?: string;
  readonly uris?: readonly string[];
  /** DNS names and IP addresses. */
  readonly hosts?: readonly string[];
}

const ECDSA_SHA256 = sequence(objectIdentifier("1.2.840.10045.4.3.2"));
const COMMON_NAME = objectIdentifier("2.5.4.3");
const BASIC_CONSTRAINTS = objectIdentifier("2.5.29.19");
const KEY_USAGE = objectIdentifier("2.5.29.15");
const EXTENDED_KEY_USAGE = objectIdentifier("2.5.29.37");
const SUBJECT_ALT_NAME = objectIdentifier("2.5.29.17");
const SERVER_AUTH = objectIdentifier("1.3.6.1.5.5.7.3.1");
const CLIENT_AUTH = objectIdentifier("1.3.6.1.5.5.7.3.2");
const DAY_MS = 86_400_000;

export class CertificateAuthority {
  readonly root: KeyPair;
  readonly #key: KeyObject;
  readonly #name: Buffer;
  readonly #issued = new Map<string, KeyPair>();

  /** From what another process made, or new. */
  constructor(root?: KeyPair) {
    this.#name = distinguishedName("Mizzen test root");
    this.root = root ?? newRoot(this.#name);
    this.#key = createPrivateKey(this.root.key);
  }

  /** The same names get the same certificate. */
  issue(names: CertificateNames): KeyPair {
    const cacheKey = JSON.stringify(names);
    let pair = this.#issued.get(cacheKey);
    if (pair === undefined) {
      const { privateKey, publicKey } = newKeys();
      const extensions = [
        extension(KEY_USAGE, true, bitString(Buffer.from([0xa0]), 5)),
        extension(EXTENDED_KEY_USAGE, false, sequence(SERVER_AUTH, CLIENT_AUTH)),
        extension(BASIC_CONSTRAINTS, true, sequence()),
        extension(SUBJECT_ALT_NAME, names.commonName === undefined, sequence(...generalNames(names))),
      ];
      const subject = names.commonName === undefined ? sequence() : distinguishedName(names.commonName);
      pair = { certificate: certificate(this.#name, subject, publicKey, this.#key, extensions), key: pem(privateKey) };
      this.#issued.set(cacheKey, pair);
    }
    return pair;
  }

  issueIdentity(spiffeId: string): KeyPair {
    return this.issue({ uris: [spiffeId] });
  }
}

function newKeys(): { privateKey: KeyObject; publicKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function newRoot(name: Buffer): KeyPair {
  const { privateKey, publicKey } = newKeys();
  const extensions = [
    extension(KEY_USAGE, true, bitString(Buffer.from([0x06]), 1)),
    extension(BASIC_CONSTRAINTS, true, sequence(boolean(true))),
  ];
  return { certificate: certificate(name, name, publicKey, privateKey, extensions), key: pem(privateKey) };
}

function certificate(issuer: Buffer, subject: Buffer, publicKey: KeyObject, issuerKey: KeyObject, extensions: readonly Buffer[]): string {
  const now = Date.now();
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ECDSA_SHA256,
    issuer,
    sequence(generalizedTime(new Date(now - DAY_MS)), generalizedTime(new Date(now + 30 * DAY_MS))),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    explicit(3, sequence(...extensions)),
  );
  const der = sequence(body, ECDSA_SHA256, bitString(sign("sha256", body, issuerKey)));
  const lines = der.toString("base64").replaceAll(/(.{64})/g, "$1\n");
  return `-----BEGIN CERTIFICATE-----\n${lines.trimEnd()}\n-----END CERTIFICATE-----\n`;
}

function distinguishedName(commonName: string): Buffer {
  return sequence(set(sequence(COMMON_NAME, utf8String(commonName))));
}

function extension(id: Buffer, critical: boolean, value: Buffer): Buffer {
  return critical ? sequence(id, boolean(true), octetString(value)) : sequence(id, octetString(value));
}

function generalNames({ uris = [], hosts = [] }: CertificateNames): Buffer[] {
  return [
    ...uris.map((uri) => implicit(6, Buffer.from(uri, "latin1"))),
    ...hosts.map((host) =>
      isIP(host) === 4 ? implicit(7, Buffer.from(host.split(".").map(Number))) : implicit(2, Buffer.from(host, "latin1")),
    ),
  ];
}

function pem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" });
}
