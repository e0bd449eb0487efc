// The log of a command that runs in a terminal, and whether there may be colour.
import { LOG_LEVELS, createLog } from "#runtime/log";
import type { Log, LogFormat, LogLevel } from "#runtime/log";
import { realClock } from "#runtime/clock";
import { CommandError } from "./command-error.ts";

export interface LogOptions {
  readonly logLevel?: string;
  readonly logFormat?: string;
}

export interface ParsedLogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
}

export function parseLogOptions(options: LogOptions): ParsedLogOptions {
  const level = options.logLevel ?? "info";
  const format = options.logFormat ?? "text";
  if (!LOG_LEVELS.includes(level as LogLevel)) throw new CommandError(`--log-level ${level} is not one of ${LOG_LEVELS.join(", ")}`, 2);
  if (format !== "text" && format !== "json") throw new CommandError(`--log-format ${format} is not one of text, json`, 2);
  return { level: level as LogLevel, format };
}

/** https://no-color.org: any value but the empty one switches colour off. */
export function wantsColor(stream: { readonly isTTY?: boolean }, environment: Readonly<Record<string, string | undefined>>): boolean {
  if ((environment["NO_COLOR"] ?? "") !== "") return false;
  if ((environment["FORCE_COLOR"] ?? "") !== "" && environment["FORCE_COLOR"] !== "0") return true;
  return stream.isTTY === true && environment["TERM"] !== "dumb";
}

export function terminalLog(options: ParsedLogOptions, write: (line: string) => void): Log {
  return createLog({
    // Not copied: who holds the options may change the level.
    get level() {
      return options.level;
    },
    format: options.format,
    write,
    wallMs: () => realClock.wallMs(),
  });
}
