// The options of the Connection lines (RFC 9110 7.6.1), and the removal of the lines that they name.
import { KNOWN } from "./known-header.ts";
import { LINE_KIND, LINE_SLOTS, nameEquals, valueAt } from "./head-scanner.ts";
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

function readOption(option: string, lines: HeadLines, options: ConnectionOptions): void {
  if (option === "close") options.close = true;
  else if (option === "keep-alive") options.keepAlive = true;
  else if (option === "upgrade") options.upgrade = true;
  else if (option !== "") removeNamed(lines, option);
}

/** Reads all Connection lines into `options` and hides the lines that they name. */
export function readConnectionOptions(lines: HeadLines, options: ConnectionOptions): void {
  const end = lines.base + lines.lineCount * LINE_SLOTS;
  for (let at = lines.base; at < end; at += LINE_SLOTS) {
    if (lines.index[at + LINE_KIND] !== KNOWN.connection) continue;
    const value = valueAt(lines, at).toLowerCase();
    if (!value.includes(",")) readOption(value, lines, options);
    else for (const option of value.split(",")) readOption(option.trim(), lines, options);
  }
}
