// Bytes that were right once: seeds, changed in a few places. Small changes of right messages find what random bytes never reach.
import * as fc from "fast-check";

/** What a change may put in: the bytes by which parsers part. */
const PIECES: readonly string[] = [
  ...'\r\n|\n|\r|\0| |\t|\v|:|,|;|"|0|5|f|-|+|_|#|/|*|\x7f|\xff|\r\n\r\n|\n\n|\r\r\n|0\r\n\r\n|5\r\nhello\r\n|5;a=b\r\nhello\r\n'.split(
    "|",
  ),
  "Transfer-Encoding: chunked\r\n",
  "Content-Length: 5\r\n",
  "Content-Length: 0\r\n",
  "Connection: close\r\n",
  "Connection: Upgrade\r\nUpgrade: websocket\r\n",
  "Host: b.example\r\n",
  "Expect: 100-continue\r\n",
  "HTTP/1.1",
  "HTTP/1.0",
  "HTTP/1.1 200 OK\r\n",
  "GET /x HTTP/1.1\r\nHost: a.example\r\n\r\n",
  "chunked",
  "identity, ",
];

/** `at` and `length` are taken modulo what is there. */
type Change =
  | { readonly kind: "insert"; readonly at: number; readonly piece: string }
  | { readonly kind: "replace"; readonly at: number; readonly piece: string }
  | { readonly kind: "byte"; readonly at: number; readonly value: number }
  | { readonly kind: "delete"; readonly at: number; readonly length: number }
  | { readonly kind: "double"; readonly at: number; readonly length: number }
  | { readonly kind: "move line"; readonly at: number; readonly to: number }
  | { readonly kind: "double line"; readonly at: number }
  | { readonly kind: "delete line"; readonly at: number }
  | { readonly kind: "cut"; readonly at: number };

function applied(text: string, change: Change): string {
  const at = change.at % (text.length + 1);
  switch (change.kind) {
    case "insert":
      return text.slice(0, at) + change.piece + text.slice(at);
    case "replace":
      return text.slice(0, at) + change.piece + text.slice(at + change.piece.length);
    case "byte":
      return text.slice(0, at) + String.fromCharCode(change.value) + text.slice(at + 1);
    case "delete":
      return text.slice(0, at) + text.slice(at + change.length);
    case "double":
      return text.slice(0, at + change.length) + text.slice(at);
    case "cut":
      return text.slice(0, at);
    default: {
      const lines = text.split("\r\n");
      const index = change.at % lines.length;
      const [line = ""] = lines.splice(index, change.kind === "double line" ? 0 : 1);
      if (change.kind === "move line") lines.splice(change.to % (lines.length + 1), 0, line);
      else if (change.kind === "double line") lines.splice(index, 0, lines[index]!);
      return lines.join("\r\n");
    }
  }
}

const at = fc.nat(2000);
const length = fc.integer({ min: 1, max: 12 });
const piece = fc.constantFrom(...PIECES);
const kind = fc.constant;

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: kind("insert" as const), at, piece }) },
  { weight: 2, arbitrary: fc.record({ kind: kind("replace" as const), at, piece }) },
  { weight: 2, arbitrary: fc.record({ kind: kind("byte" as const), at, value: fc.nat(255) }) },
  { weight: 2, arbitrary: fc.record({ kind: kind("delete" as const), at, length }) },
  fc.record({ kind: kind("double" as const), at, length }),
  fc.record({ kind: kind("move line" as const), at, to: at }),
  fc.record({ kind: kind("double line" as const), at }),
  fc.record({ kind: kind("delete line" as const), at }),
  fc.record({ kind: kind("cut" as const), at }),
);

/** One or two of the seeds, one behind the other, with up to six changes. */
export function mutated(seeds: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const texts = seeds.map((seed) => seed.toString("latin1"));
  const start = fc.array(fc.constantFrom(...texts), { minLength: 1, maxLength: 2 });
  return fc
    .tuple(start, fc.array(change, { maxLength: 6 }))
    .map(([parts, changes]) => Buffer.from(changes.reduce(applied, parts.join("")), "latin1"));
}

/** Where to part them. */
export const cuts: fc.Arbitrary<readonly number[]> = fc.array(fc.nat(1000), { minLength: 1, maxLength: 6 });

export function parted(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end)).filter((part) => part.length > 0);
}
