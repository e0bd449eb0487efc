// Interleaves the output of many programs on one terminal, line by line, each line with the name of who wrote it.
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { LogFormat } from "#runtime/log";

/** A line longer than this is handed on in pieces: a program that never ends its line must not fill our memory. */
const MAX_LINE_CHARACTERS = 64 * 1024;

/** Cuts a byte stream into lines. `\r\n` counts as one end; what is left when the stream ends is a line, too. */
export class LineSplitter {
  #decoder = new StringDecoder("utf8");
  #rest = "";
  #onLine: (line: string) => void;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(chunk: Uint8Array): void {
    this.#take(this.#decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)));
  }

  end(): void {
    this.#take(this.#decoder.end());
    if (this.#rest !== "") this.#emit(this.#rest);
    this.#rest = "";
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#emit(line);
    while (this.#rest.length > MAX_LINE_CHARACTERS) {
      this.#onLine(this.#rest.slice(0, MAX_LINE_CHARACTERS));
      this.#rest = this.#rest.slice(MAX_LINE_CHARACTERS);
    }
  }

  #emit(line: string): void {
    this.#onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
  }
}

export interface LineOutputOptions {
  readonly format: LogFormat;
  readonly color: boolean;
  readonly write: (text: string) => void;
  readonly wallMs: () => number;
}

// Cyan, yellow, green, magenta, blue and their bright forms; red is left to errors.
const COLORS = [36, 33, 32, 35, 34, 96, 93, 92, 95, 94] as const;

export class LineOutput {
  #options: LineOutputOptions;
  #colors = new Map<string, number>();
  #width = 16;

  constructor(options: LineOutputOptions) {
    this.#options = options;
  }

  line(source: string, line: string): void {
    const { format, color, write, wallMs } = this.#options;
    if (format === "json") {
      write(`${JSON.stringify({ time: new Date(wallMs()).toISOString(), source, message: line })}\n`);
      return;
    }
    this.#width = Math.max(this.#width, Math.min(source.length, 28));
    const prefix = `${source.padEnd(this.#width)} |`;
    write(color ? `\u001B[${this.#colorOf(source)}m${prefix}\u001B[39m ${line}\n` : `${prefix} ${line}\n`);
  }

  /** A line that is complete in itself (a log of ours in JSON form), or already carries its prefix. */
  raw(line: string): void {
    this.#options.write(`${line}\n`);
  }

  /** Hands over everything that `readable` brings, under the name `source`. */
  pipe(source: string, readable: Readable): void {
    this.pipeLines(readable, (line) => this.line(source, line));
  }

  pipeLines(readable: Readable, onLine: (line: string) => void): void {
    const splitter = new LineSplitter(onLine);
    readable.on("data", (chunk: Buffer) => splitter.write(chunk));
    readable.on("end", () => splitter.end());
    readable.on("error", (error) => onLine(`(its output cannot be read any more: ${error.message})`));
  }

  #colorOf(source: string): number {
    // A sidecar has the colour of its application.
    const owner = source.split("/")[0] ?? source;
    let color = this.#colors.get(owner);
    if (color === undefined) {
      color = COLORS[this.#colors.size % COLORS.length] ?? 36;
      this.#colors.set(owner, color);
    }
    return color;
  }
}

/** Access-log lines of a data plane carry the name of their proxy in front, between two unit separators. */
const NAME_MARK = "\u001F";

export function accessLogPrefix(proxy: string): string {
  return `${NAME_MARK}${proxy}${NAME_MARK}`;
}

export function splitAccessLogPrefix(line: string): { readonly proxy: string; readonly line: string } | undefined {
  if (!line.startsWith(NAME_MARK)) return undefined;
  const end = line.indexOf(NAME_MARK, 1);
  return end === -1 ? undefined : { proxy: line.slice(1, end), line: line.slice(end + 1) };
}
