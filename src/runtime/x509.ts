// Certificates of an authority of our own, signed with ECDSA and SHA-256 (RFC 5280): node:crypto reads certificates and makes none.
import { sign } from "node:crypto";
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
} from "./der.ts";

/** Both in PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateContent {
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
  /** Random bytes, up to 19 of them (RFC 5280 4.1.2.2). */
  readonly serial: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
}

export const ECDSA_SHA256 = sequence(objectIdentifier("1.2.840.10045.4.3.2"));
export const SERVER_AUTH = objectIdentifier("1.3.6.1.5.5.7.3.1");
export const CLIENT_AUTH = objectIdentifier("1.3.6.1.5.5.7.3.2");
const COMMON_NAME = objectIdentifier("2.5.4.3");
const ORGANIZATION = objectIdentifier("2.5.4.10");
const BASIC_CONSTRAINTS = objectIdentifier("2.5.29.19");
const KEY_USAGE = objectIdentifier("2.5.29.15");
const EXTENDED_KEY_USAGE = objectIdentifier("2.5.29.37");
const SUBJECT_ALT_NAME = objectIdentifier("2.5.29.17");
/** The bits of a KeyUsage, from the left (RFC 5280 4.2.1.3). */
const KEY_USAGES = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
] as const;

/** @param issuerKey of the authority, on the curve P-256 */
export function signCertificate(content: CertificateContent, issuerKey: KeyObject): string {
  const { issuer, subject, publicKey, extensions, serial, notBefore, notAfter } = content;
  const body = sequence(
    explicit(0, integer(Buffer.of(2))),
    // Begins with 1: neither negative nor padded.
    integer(Buffer.concat([Buffer.of(1), serial])),
    ECDSA_SHA256,
    issuer,
    sequence(generalizedTime(notBefore), generalizedTime(notAfter)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    explicit(3, sequence(...extensions)),
  );
  return signedPem("CERTIFICATE", body, issuerKey);
}

/** What is signed, the algorithm, the signature: the outer form of certificates and of revocation lists. */
export function signedPem(label: string, body: Buffer, issuerKey: KeyObject): string {
  const der = sequence(body, ECDSA_SHA256, bitString(sign("sha256", body, issuerKey)));
  const lines = der.toString("base64").replaceAll(/(.{64})/g, "$1\n");
  return `-----BEGIN ${label}-----\n${lines.trimEnd()}\n-----END ${label}-----\n`;
}

export function keyPem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" });
}

export function distinguishedName({ organization, commonName }: { readonly organization?: string; readonly commonName?: string }): Buffer {
  const attribute = (id: Buffer, value: string | undefined): Buffer[] =>
    value === undefined ? [] : [set(sequence(id, utf8String(value)))];
  return sequence(...attribute(ORGANIZATION, organization), ...attribute(COMMON_NAME, commonName));
}

export function keyUsage(...usages: readonly (typeof KEY_USAGES)[number][]): Buffer {
  const bits = usages.map((usage) => KEY_USAGES.indexOf(usage));
  const byte = bits.reduce((sum, bit) => sum | (0x80 >> bit), 0);
  return extension(KEY_USAGE, true, bitString(Buffer.of(byte), 7 - Math.max(...bits)));
}

export function extendedKeyUsage(...purposes: readonly Buffer[]): Buffer {
  return extension(EXTENDED_KEY_USAGE, false, sequence(...purposes));
}

export function basicConstraints(isAuthority: boolean): Buffer {
  return extension(BASIC_CONSTRAINTS, true, isAuthority ? sequence(boolean(true)) : sequence());
}

/** `hosts`: DNS names and IP addresses. `critical` is for certificates without a subject (RFC 5280 4.2.1.6). */
export function subjectAltName({ uris = [], hosts = [] }: SubjectAltNames, critical = false): Buffer {
  const names = [...uris.map((uri) => implicit(6, Buffer.from(uri, "latin1"))), ...hosts.map(generalName)];
  return extension(SUBJECT_ALT_NAME, critical, sequence(...names));
}

export interface SubjectAltNames {
  readonly uris?: readonly string[];
  readonly hosts?: readonly string[];
}

function extension(id: Buffer, critical: boolean, value: Buffer): Buffer {
  return critical ? sequence(id, boolean(true), octetString(value)) : sequence(id, octetString(value));
}

function generalName(host: string): Buffer {
  switch (isIP(host)) {
    case 4:
      return implicit(7, Buffer.from(host.split(".").map(Number)));
    case 6:
      return implicit(7, ipv6Bytes(host));
    default:
      return implicit(2, Buffer.from(host, "latin1"));
  }
}

function ipv6Bytes(host: string): Buffer {
  const [head = "", tail] = host.split("::");
  const groups = (text: string): readonly number[] => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
  const [left, right] = [groups(head), groups(tail ?? "")];
  const all = tail === undefined ? left : [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}
