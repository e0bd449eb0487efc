// Whether a client speaks HTTP, and which, from the first line that it sends: what Envoy's HTTP inspector asks. Looks only.
import { LF, SPACE, TOKEN } from "./characters.ts";

export type InspectedProtocol = "http/1.0" | "http/1.1" | "h2c";

const PREFACE = Uint8Array.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (character) => character.charCodeAt(0));

/** "more": undecided; "none": not HTTP. */
export function inspectProtocol(bytes: Uint8Array): InspectedProtocol | "more" | "none" {
  let same = 0;
  while (same < PREFACE.length && same < bytes.length && bytes[same] === PREFACE[same]) same++;
  if (same === PREFACE.length) return "h2c";
  if (same === bytes.length) return "more";
  let at = 0;
  while (at < bytes.length && TOKEN[bytes[at] ?? 0] === 1) at++;
  // What cannot begin a request needs no second look.
  if (at < bytes.length && (at === 0 || bytes[at] !== SPACE)) return "none";
  const end = bytes.indexOf(LF, at);
  if (end < 0) return "more";
  return requestLine(String.fromCharCode(...bytes.subarray(0, Math.min(end, MAX_LINE))).trimEnd());
}

const MAX_LINE = 65_536;

function requestLine(line: string): InspectedProtocol | "none" {
  const [method = "", target = "", version = "", ...more] = line.split(" ").filter((word) => word !== "");
  if (more.length > 0 || !isTarget(target, method === "CONNECT")) return "none";
  // A line without a version is HTTP/0.9; Envoy calls everything that is not 1.1 "http/1.0".
  if (version !== "" && !/^HTTP\/\d\.\d$/.test(version)) return "none";
  return version === "HTTP/1.1" ? "http/1.1" : "http/1.0";
}

function isTarget(target: string, authority: boolean): boolean {
  // eslint-disable-next-line no-control-regex -- these are the characters that Envoy's parser takes
  if (!/^[\t\f!-~]+$/.test(target)) return false;
  return target.startsWith("/") || target.startsWith("*") || authority || /^[a-zA-Z]+:\/\/./.test(target);
}
