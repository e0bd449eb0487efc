// Certificates of the API server: an authority of its own and what it serves with.
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import {
  basicConstraints,
  distinguishedName,
  extendedKeyUsage,
  keyPem,
  type KeyPair,
  keyUsage,
  SERVER_AUTH,
  signCertificate,
  subjectAltName,
} from "#runtime/x509";

export interface Issuing {
  readonly nowMs: number;
  /** 15 bytes, new each time. */
  readonly serial: Uint8Array;
}

const DAY_MS = 86_400_000;
/** Clocks of two machines may differ. */
const BACKDATED_MS = 3_600_000;
const AUTHORITY_NAME = distinguishedName({ commonName: "mizzen API server" });

export function newAuthority(issuing: Issuing): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const extensions = [keyUsage("keyCertSign", "cRLSign"), basicConstraints(true)];
  const content = { issuer: AUTHORITY_NAME, subject: AUTHORITY_NAME, publicKey, extensions, ...validFor(3650, issuing) };
  return { certificate: signCertificate(content, privateKey), key: keyPem(privateKey) };
}

/** For DNS names and IP addresses. */
export function newServingCertificate(authority: KeyPair, hosts: readonly string[], issuing: Issuing): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const extensions = [keyUsage("digitalSignature"), extendedKeyUsage(SERVER_AUTH), basicConstraints(false), subjectAltName({ hosts })];
  const subject = distinguishedName({ commonName: hosts[0] ?? "" });
  const content = { issuer: AUTHORITY_NAME, subject, publicKey, extensions, ...validFor(365, issuing) };
  return { certificate: signCertificate(content, createPrivateKey(authority.key)), key: keyPem(privateKey) };
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

function validFor(days: number, { nowMs, serial }: Issuing): { serial: Uint8Array; notBefore: Date; notAfter: Date } {
  return { serial, notBefore: new Date(nowMs - BACKDATED_MS), notAfter: new Date(nowMs + days * DAY_MS) };
}
