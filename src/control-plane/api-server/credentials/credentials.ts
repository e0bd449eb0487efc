// What the API server proves itself with, and what its clients prove themselves with, kept in the state folder: 0600 in 0700. Made
// when there is none, and a serving certificate again before it ends.
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { KeyPair } from "#runtime/x509";
import { isUsable, newAuthority, newServingCertificate } from "./certificates.ts";

export interface Credentials {
  /** In PEM: what clients trust. */
  readonly authority: string;
  readonly serving: KeyPair;
  /** Whoever has it may do everything. */
  readonly token: string;
}

const FOLDER = "api-server";

/** @throws Error naming the file that cannot be read or written */
export function loadCredentials(stateDirectory: string, hosts: readonly string[], nowMs: number): Credentials {
  const folder = join(stateDirectory, FOLDER);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const issuing = () => ({ nowMs, serial: randomBytes(15) });
  const kept = pairIn(folder, "ca");
  const authority = kept !== undefined && isUsable(kept, kept, [], nowMs) ? kept : keepPair(folder, "ca", newAuthority(issuing()));
  const before = pairIn(folder, "serving");
  const serving =
    before !== undefined && isUsable(before, authority, hosts, nowMs)
      ? before
      : keepPair(folder, "serving", newServingCertificate(authority, hosts, issuing()));
  const token = textIn(folder, "token")?.trim();
  return {
    authority: authority.certificate,
    serving,
    token: token !== undefined && /^[\w-]{40,}$/u.test(token) ? token : keep(folder, "token", randomBytes(32).toString("base64url")),
  };
}

/** For its owner alone. @throws Error */
export function keepPrivately(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  // Whole or not at all: a reader never finds half of it.
  renameSync(`${path}.new`, path);
}

function pairIn(folder: string, name: string): KeyPair | undefined {
  const certificate = textIn(folder, `${name}.pem`);
  const key = textIn(folder, `${name}-key.pem`);
  return certificate === undefined || key === undefined ? undefined : { certificate, key };
}

function keepPair(folder: string, name: string, pair: KeyPair): KeyPair {
  // The key first: a certificate without its key would be taken for a pair.
  keep(folder, `${name}-key.pem`, pair.key);
  keep(folder, `${name}.pem`, pair.certificate);
  return pair;
}

function textIn(folder: string, name: string): string | undefined {
  try {
    return readFileSync(join(folder, name), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function keep(folder: string, name: string, text: string): string {
  keepPrivately(join(folder, name), text);
  return text;
}
