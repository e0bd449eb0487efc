// Certificates of the API server: an authority of its own and what it serves with. X.509 as far as that needs it (RFC 5280).
import { createPrivateKey, generateKeyPairSync, sign, X509Certificate, type KeyObject } from "node:crypto";
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

export interface Issuing {
  readonly nowMs: number;
  /** 16 bytes, new each time. */
  readonly serial: Uint8Array;
}

const ECDSA_SHA256 = sequence(objectIdentifier("1.2.840.10045.4.3.2"));
const COMMON_NAME = objectIdentifier("2.5.4.3");
const BASIC_CONSTRAINTS = objectIdentifier("2.5.29.19");
const KEY_USAGE = objectIdentifier("2.5.29.15");
const EXTENDED_KEY_USAGE = objectIdentifier("2.5.29.37");
const SUBJECT_ALT_NAME = objectIdentifier("2.5.29.17");
const SERVER_AUTH = objectIdentifier("1.3.6.1.5.5.7.3.1");
const DAY_MS = 86_400_000;
/** Clocks of two machines may differ. */
const BACKDATED_MS = 3_600_000;
const AUTHORITY_NAME = "mizzen API server";

export function newAuthority(issuing: Issuing): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = distinguishedName(AUTHORITY_NAME);
  const extensions = [
    extension(KEY_USAGE, true, bitString(Buffer.from([0x06]), 1)),
    extension(BASIC_CONSTRAINTS, true, sequence(boolean(true))),
  ];
  const certificate = signed({ issuer: name, subject: name, publicKey, extensions, days: 3650 }, privateKey, issuing);
  return { certificate, key: pemOf(privateKey) };
}

/** For DNS names and IP addresses. */
export function newServingCertificate(authority: KeyPair, hosts: readonly string[], issuing: Issuing): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const extensions = [
    extension(KEY_USAGE, true, bitString(Buffer.from([0x80]), 7)),
    extension(EXTENDED_KEY_USAGE, false, sequence(SERVER_AUTH)),
    extension(BASIC_CONSTRAINTS, true, sequence()),
    extension(SUBJECT_ALT_NAME, false, sequence(...hosts.map(generalName))),
  ];
  const content = {
    issuer: distinguishedName(AUTHORITY_NAME),
    subject: distinguishedName(hosts[0] ?? ""),
    publicKey,
    extensions,
    days: 365,
  };
  return { certificate: signed(content, createPrivateKey(authority.key), issuing), key: pemOf(privateKey) };
}

/** It will do for a month, is the authority's, and is for all of the hosts. */
export function isUsable({ certificate }: KeyPair, authority: KeyPair, hosts: readonly string[], nowMs: number): boolean {
  try {
    const read = new X509Certificate(certificate);
    const isFresh = Date.parse(read.validTo) - nowMs > 30 * DAY_MS && Date.parse(read.validFrom) <= nowMs;
    const isFor = (host: string): boolean => (isIP(host) === 0 ? read.checkHost(host) : read.checkIP(host)) !== undefined;
    return isFresh && read.verify(new X509Certificate(authority.certificate).publicKey) && hosts.every(isFor);
  } catch {
    return false;
  }
}

interface Content {
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly days: number;
}

function signed({ issuer, subject, publicKey, extensions, days }: Content, issuerKey: KeyObject, { nowMs, serial }: Issuing): string {
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), serial.subarray(1)])),
    ECDSA_SHA256,
    issuer,
    sequence(generalizedTime(new Date(nowMs - BACKDATED_MS)), generalizedTime(new Date(nowMs + days * DAY_MS))),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    explicit(3, sequence(...extensions)),
  );
  const der = sequence(body, ECDSA_SHA256, bitString(sign("sha256", body, issuerKey)));
  const lines = der.toString("base64").replaceAll(/(.{64})/gu, "$1\n");
  return `-----BEGIN CERTIFICATE-----\n${lines.trimEnd()}\n-----END CERTIFICATE-----\n`;
}

function distinguishedName(commonName: string): Buffer {
  return sequence(set(sequence(COMMON_NAME, utf8String(commonName))));
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

function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" });
}
