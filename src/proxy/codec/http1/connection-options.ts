// The options of the Connection lines (RFC 9110 7.6.1), and the removal of the lines that they name.
import { COLON } from "./characters.ts";
import { KNOWN } from "./known-header.ts";
import { LINE_KIND, LINE_SLOTS, findKind, nameEquals, valueAt } from "./head-scanner.ts";
import type { HeadLines } from "./head-scanner.ts";

export interface ConnectionOptions {
  close: boolean;
  keepAlive: boolean;
  upgrade: boolean;
}

function removeNamed(lines: HeadLines, name: string): void {
  const end = lines.base + lines.lineCount * LINE_SLOTS;
  for (let at = lines.base; at < end; at += LINE_SLOTS) {
    // Known lines are left alone: connection-specific ones go by their kind, and Host or Content-Length must not be named away.
    if (lines.index[at + LINE_KIND] !== KNOWN.other || !nameEquals(lines, at, name)) continue;
    lines.index[at + LINE_KIND] = KNOWN.removed;
    lines.removed++;
  }
}

// Whoever names these away hides where a request came from, or what it is for: a request that tries is an attack, as in Envoy.
const NEVER_NAMED: ReadonlySet<string> = new Set(["host", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"]);

/** A pseudo header is no line, so that nobody honest names one. */
function isForbidden(option: string): boolean {
  return NEVER_NAMED.has(option) || option.charCodeAt(0) === COLON;
}

/** Envoy takes nine options; more are only good for making a proxy search its lines over and over. */
export const MAX_REQUEST_OPTIONS = 9;
/** Responses come from the mesh's own: the limit only bounds the work. */
export const MAX_RESPONSE_OPTIONS = 64;

function readOption(option: string, lines: HeadLines, options: ConnectionOptions): void {
  if (option === "close") options.close = true;
  else if (option === "keep-alive") options.keepAlive = true;
  else if (option === "upgrade") options.upgrade = true;
  else if (option !== "") removeNamed(lines, option);
}

/** Reads all Connection lines into `options` and hides the lines that they name. False: the message must be refused. */
export function readConnectionOptions(lines: HeadLines, options: ConnectionOptions, maxOptions: number): boolean {
  const end = lines.base + lines.lineCount * LINE_SLOTS;
  let count = 0;
  for (let at = lines.base; at < end; at += LINE_SLOTS) {
    if (lines.index[at + LINE_KIND] !== KNOWN.connection) continue;
    const said = valueAt(lines, at);
    if (said === "keep-alive") {
      // What most servers say.
      options.keepAlive = true;
      if (++count > maxOptions) return false;
      continue;
    }
    const value = said.toLowerCase();
    if (!value.includes(",")) {
      if (++count > maxOptions || isForbidden(value)) return false;
      readOption(value, lines, options);
      continue;
    }
    for (const part of value.split(",")) {
      const option = part.trim();
      if (option === "") continue;
      if (++count > maxOptions || isForbidden(option)) return false;
      readOption(option, lines, options);
    }
  }
  return true;
}

/** `Proxy-Connection: close` is no standard, but those who send it mean it, and Envoy takes it so. */
export function proxyConnectionCloses(lines: HeadLines): boolean {
  const value = valueAt(lines, findKind(lines, KNOWN.proxyConnection)).toLowerCase();
  return value.split(",").some((option) => option.trim() === "close");
}
