// A certificate authority for tests: X.509 v3 in DER by hand, because node:crypto reads certificates and makes none.
import { generateKeyPairSync, randomBytes, sign, X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";

export interface FakeCertificate {
  /** PEM, both. */
  readonly certificate: string;
  readonly key: string;
}

export interface Names {
  /** Empty: a subject without any attribute, as in certificates whose identity is a URI. */
  readonly commonName?: string;
  readonly uris?: readonly string[];
  readonly hosts?: readonly string[];
}

function tlv(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const { length } = body;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...size), body]);
}

const sequence = (...content: readonly Uint8Array[]): Buffer => tlv(0x30, ...content);
const text = (tag: number, value: string): Buffer => tlv(tag, Buffer.from(value, "latin1"));
const bits = (content: Uint8Array): Buffer => tlv(0x03, Buffer.of(0), content);

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 127];
    for (let left = part >> 7; left > 0; left >>= 7) groups.unshift((left & 127) | 128);
    bytes.push(...groups);
  }
  return tlv(0x06, Buffer.from(bytes));
}

const ECDSA_SHA256 = sequence(objectId("1.2.840.10045.4.3.2"));
const extension = (id: string, value: Uint8Array): Buffer => sequence(objectId(id), tlv(0x04, value));
const time = (ms: number): Buffer => text(0x18, new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, ""));

export class FakeAuthority {
  readonly #key: KeyObject;
  readonly #name: Buffer;
  readonly certificate: string;

  constructor(name = "root") {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#key = privateKey;
    this.#name = distinguishedName(name);
    this.certificate = this.#sign(this.#name, publicKey, [extension("2.5.29.19", sequence(tlv(0x01, Buffer.of(255))))]);
  }

  issue({ commonName = "leaf", uris = [], hosts = [] }: Names, kind: "ec" | "rsa" = "ec"): FakeCertificate {
    const { privateKey, publicKey } =
      kind === "ec" ? generateKeyPairSync("ec", { namedCurve: "P-256" }) : generateKeyPairSync("rsa", { modulusLength: 2048 });
    const names = sequence(...uris.map((uri) => text(0x86, uri)), ...hosts.map((host) => text(0x82, host)));
    const certificate = this.#sign(commonName === "" ? sequence() : distinguishedName(commonName), publicKey, [
      extension("2.5.29.17", names),
    ]);
    return { certificate, key: privateKey.export({ type: "pkcs8", format: "pem" }) };
  }

  /** A revocation list (RFC 5280 5.1) that names these certificates. */
  revoke(...certificates: readonly FakeCertificate[]): string {
    const now = Date.now();
    const revoked = certificates.map(({ certificate }) =>
      sequence(tlv(0x02, Buffer.from(new X509Certificate(certificate).serialNumber, "hex")), time(now - 3_600_000)),
    );
    const body = sequence(
      tlv(0x02, Buffer.of(1)),
      ECDSA_SHA256,
      this.#name,
      time(now - 86_400_000),
      time(now + 86_400_000),
      ...(revoked.length === 0 ? [] : [sequence(...revoked)]),
    );
    return pem("X509 CRL", sequence(body, ECDSA_SHA256, bits(sign("sha256", body, this.#key))));
  }

  #sign(subject: Buffer, publicKey: KeyObject, extensions: readonly Buffer[]): string {
    const now = Date.now();
    const body = sequence(
      tlv(0xa0, tlv(0x02, Buffer.of(2))),
      tlv(0x02, Buffer.concat([Buffer.of(1), randomBytes(8)])),
      ECDSA_SHA256,
      this.#name,
      sequence(time(now - 86_400_000), time(now + 86_400_000)),
      subject,
      publicKey.export({ type: "spki", format: "der" }),
      tlv(0xa3, sequence(...extensions)),
    );
    return pem("CERTIFICATE", sequence(body, ECDSA_SHA256, bits(sign("sha256", body, this.#key))));
  }
}

function pem(label: string, der: Buffer): string {
  const lines = der
    .toString("base64")
    .replaceAll(/(.{64})/g, "$1\n")
    .trimEnd();
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

function distinguishedName(commonName: string): Buffer {
  const attribute = (id: string, value: string): Buffer => tlv(0x31, sequence(objectId(id), text(0x0c, value)));
  return sequence(attribute("2.5.4.10", "Mizzen, tests"), attribute("2.5.4.3", commonName));
}
