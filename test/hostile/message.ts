// What a parser made of bytes: messages in order, and where it stopped. The same form for every parser, so that readings can be compared.

export interface Message {
  /** `GET /x`, or the status of a response. */
  readonly start: string;
  /** End-to-end lines, `name: value` with the name in lower case. */
  readonly headers: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  readonly complete: boolean;
}

export interface Reading {
  readonly messages: readonly Message[];
  /** Why the parser refused to go on. */
  readonly error: string | undefined;
  /** What follows the last message is of another protocol. */
  readonly opaque: boolean;
}

const HOP_BY_HOP: ReadonlySet<string> = new Set(
  "connection keep-alive transfer-encoding te upgrade proxy-connection http2-settings".split(" "),
);
/** A Connection option does not take these away. */
const KEPT: ReadonlySet<string> = new Set(["host", "content-length", "expect", "trailer"]);
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([...HOP_BY_HOP, ...KEPT]);

function nameOf(line: string): string {
  return line.slice(0, line.indexOf(":"));
}

/** Names and values in turn, without the lines that concern one connection only (RFC 9110 7.6.1). */
export function endToEnd(pairs: readonly string[]): string[] {
  const lines: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) lines.push(`${pairs[i]!.toLowerCase()}: ${pairs[i + 1]}`);
  const named = new Set(
    lines
      .filter((line) => nameOf(line) === "connection")
      .flatMap((line) =>
        line
          .slice(11)
          .toLowerCase()
          .split(",")
          .map((option) => option.trim()),
      ),
  );
  return lines.filter((line) => !HOP_BY_HOP.has(nameOf(line)) && (!named.has(nameOf(line)) || KEPT.has(nameOf(line))));
}

export function inTrailers(pairs: readonly string[]): string[] {
  const lines: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) lines.push(`${pairs[i]!.toLowerCase()}: ${pairs[i + 1]}`);
  return lines.filter((line) => !NOT_IN_TRAILERS.has(nameOf(line)));
}
