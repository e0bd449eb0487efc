// session_ticket_keys: what session tickets are sealed with, so that every traffic thread, and every proxy that is given the same keys, resumes
// the sessions of the others. Envoy's keys have 80 bytes (name, HMAC-SHA256 with 32, AES-256 with 32), OpenSSL by way of Node wants 48
// (name, HMAC-SHA256 with 16, AES-128 with 16), so that the latter are derived: tickets of an Envoy with the same keys are not known here. Node
// takes one key; sessions under the older ones of the list begin anew.
import { hkdfSync } from "node:crypto";
import type { TlsSessionTicketKeys } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/common_pb";
import type { ReportViolation } from "#matcher/string-matcher";
import { readDataBytes } from "./data-source.ts";

const KEY_BYTES = 80;
const NAME_BYTES = 16;
const DERIVED_BYTES = 32;

/** For OpenSSL. Undefined: reported; no message holds key material. */
export function readTicketKeys({ keys }: TlsSessionTicketKeys, path: string, report: ReportViolation): Buffer | undefined {
  if (keys.length === 0) report(`${path}.keys`, "must not be empty");
  const [first] = keys.map((source, at) => {
    const bytes = readDataBytes(source, `${path}.keys[${at}]`, report);
    if (bytes !== undefined && bytes.length !== KEY_BYTES)
      report(`${path}.keys[${at}]`, `incorrect TLS session ticket key length: ${bytes.length} bytes, must be ${KEY_BYTES}`);
    return bytes;
  });
  if (first?.length !== KEY_BYTES) return undefined;
  const name = first.subarray(0, NAME_BYTES);
  const derived = hkdfSync("sha256", first.subarray(NAME_BYTES), name, "session ticket keys", DERIVED_BYTES);
  return Buffer.concat([name, new Uint8Array(derived)]);
}
