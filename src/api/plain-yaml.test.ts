// The plain reader beside the `yaml` package: where it reads a document it gives the package's tree, and the package has no error to say.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as fc from "fast-check";
import { composeYaml } from "./composed-yaml.ts";
import { readPlainYaml } from "./plain-yaml.ts";
import type { SourceNode } from "./yaml-node.ts";

const samples = join(import.meta.dirname, "../../samples");

function sampleDocuments(): readonly string[] {
  const files = readdirSync(samples, { recursive: true, encoding: "utf8" }).filter((name) => /\.ya?ml$/u.test(name));
  return files.flatMap((name) => readFileSync(join(samples, name), "utf8").split(/^(?=---)/mu));
}

const withoutEmpty = (root: SourceNode | undefined): SourceNode | undefined =>
  root?.kind === "scalar" && root.value === null ? undefined : root;

/** Whether the plain reader took the text. */
function compare(text: string): boolean {
  const plain = readPlainYaml(text);
  if (plain === undefined) return false;
  const errors: string[] = [];
  const composed = composeYaml(text, (offset, message) => void errors.push(`${offset}: ${message}`));
  assert.deepEqual(errors, [], text);
  assert.deepEqual(withoutEmpty(plain.root), withoutEmpty(composed), text);
  return true;
}

const taken = {
  "a map with every kind of scalar": "a: b\nc: 1\nd: -1.5\ne: true\nf: ~\ng: ''\nh: \"x\\n\\u00e9\"\ni: 'it''s'\nj: http://a.b:80/c#d\n",
  "nothing after a colon": "a:\nb:   # a comment\nc:  \nd:",
  "lists below their key, indented or not": "a:\n- b\n- c\nd:\n  - e\n  -\n  - f: 1\n    g: 2\n",
  "lists in lists": "- - a\n  - b\n-\n  - c\n- - - d\n",
  "comments everywhere": "# a\na: # b\n  # c\n# d\n  b: c # d\n\n  # e\n  e: f#g\n# h",
  "a marker with a comment": "---  # first\na: b\n",
  "literal blocks": 'a: |\n  b\n\n   c: [d\n\n\ne: |-\n    f\n# comment\ng:\n- |\n  h\n- i: |\n    j "k\n    # no comment\n  l: m\n',
  "flow collections on one line": "a: []\nb: {}\nc: [d, 'e', \"f\", 1.5, g:80]\nh: {i: j, \"k\":l, 'm': [n, {o: p}]}\n- q\n".replace(
    "- q\n",
    "",
  ),
  "a document of JSON": '{\n  "a": [1, -2, true, null],\n  "b": {"c": "d\\"e", "f": []},\n\n  "g":"h"\n}\n',
  "keys in quotes": "\"a b\": c\n'd': e\nf g: h\n",
  "nothing but comments": "---\n# a\n\n",
};

for (const [name, text] of Object.entries(taken)) {
  test(`reads ${name} as the package does`, () => assert.ok(compare(text)));
}

const left = {
  anchors: "a: &b c\nd: *b\n",
  tags: "a: !!str 1\n",
  "merge keys": "a:\n  <<: {b: c}\n",
  "keys that stand twice": "a: b\na: c\n",
  "text over several lines": "a: b\n  c\n",
  "folded text": "a: >\n  b\n",
  "literal text whose indentation is given": "a: |2\n   b\n",
  "literal text that keeps its last lines": "a: |+\n  b\n\n",
  tabs: "a:\tb\n",
  "carriage returns": "a: b\r\n",
  "explicit keys": "? a\n: b\n",
  "a list that ends too early": "a: [b\nc: d\n",
  "indentation that fits nowhere": "a:\n    b: c\n  d: e\n",
  "a map within a line": "a: b: c\n",
  "a map without a value in a list": "a: [1::]\n",
  "escapes that JSON lacks": 'a: "\\x41"\n',
  "an end of document": "a: b\n...\n",
  "deep nesting": `${"- ".repeat(60)}a\n`,
};

for (const [name, text] of Object.entries(left)) {
  test(`leaves ${name} to the package`, () => assert.equal(readPlainYaml(text), undefined));
}

test("reads every sample, so that the package is the exception", () => {
  const documents = sampleDocuments();
  assert.ok(documents.length > 30);
  assert.deepEqual(
    documents.filter((text) => !compare(text)),
    [],
  );
});

const pieces = fc.constantFrom(
  ..." |  |\n|- |-|: |:|# | #|'|\"|[|]|{|}|, |&a |*a |!|? |\t|key: v\n|- a\n|\n\n|a|0|~|null|\\|''|<<: |%|@|...|---|\r\n|:\n|é|[]|{}|[a, b]|{a: b}| \n|  # c\n|\n# c\n".split(
    /(?<!\n)\|/u,
  ),
  "|",
  "|-\n",
  ">",
);

const edit = fc.record({
  at: fc.nat(5_000),
  how: fc.constantFrom("insert", "replace", "remove", "cut", "indent", "dedent"),
  piece: pieces,
});

function edited(text: string, { at: place, how, piece }: { readonly at: number; readonly how: string; readonly piece: string }): string {
  const at = place % (text.length + 1);
  const line = text.lastIndexOf("\n", at - 1) + 1;
  switch (how) {
    case "insert":
      return text.slice(0, at) + piece + text.slice(at);
    case "replace":
      return text.slice(0, at) + piece + text.slice(at + piece.length);
    case "remove":
      return text.slice(0, at) + text.slice(at + piece.length);
    case "cut":
      return text.slice(0, at);
    case "indent":
      return `${text.slice(0, line)} ${text.slice(line)}`;
    default:
      return text.slice(0, line) + text.slice(line).replace(/^ /u, "");
  }
}

test("reads 3,000 samples with mistakes as the package does, or leaves them to it", () => {
  let taken = 0;
  fc.assert(
    fc.property(fc.constantFrom(...sampleDocuments()), fc.array(edit, { minLength: 1, maxLength: 3 }), (text, edits) => {
      if (compare(edits.reduce(edited, text))) taken++;
    }),
    { numRuns: 3_000 },
  );
  assert.ok(taken > 300, `only ${taken} were read`);
});

const scalar = fc.oneof(
  fc.constantFrom("a", "1", "true", "~", '"b: c"', "'d # e'", "f-g.h:80", "[]", "{}", "[i, 1]", "{j: k}", "", "-1", ".5", "# l"),
  fc.string({ unit: "grapheme-ascii", maxLength: 8 }),
);

/** Block YAML of random structure; much of it is wrong, as random scalars are. */
const generated = fc.array(fc.record({ indent: fc.nat(4), dashes: fc.nat(2), key: fc.boolean(), scalar, space: fc.nat(2) }), {
  minLength: 1,
  maxLength: 8,
});

test("reads 5,000 generated documents as the package does, or leaves them to it", () => {
  let taken = 0;
  fc.assert(
    fc.property(generated, (lines) => {
      const text = lines.map(
        (line, index) =>
          `${" ".repeat(line.indent * 2)}${"- ".repeat(line.dashes)}${line.key ? `k${index}:${" ".repeat(line.space)}` : ""}${line.scalar}\n`,
      );
      if (compare(text.join(""))) taken++;
    }),
    { numRuns: 5_000 },
  );
  assert.ok(taken > 300, `only ${taken} were read`);
});
