// Section `validate/cel`: documents that the API server's schema with CEL rules accepts or refuses; our decoder and rules must agree.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findingText } from "#api/finding";
import { parseFile } from "#api/parse-file";
import type { SectionResult } from "../run.ts";

interface Case {
  readonly id: string;
  /** Below the folder validate/. */
  readonly file: string;
  readonly doc: number;
  readonly valid: boolean;
}

export async function run(corpusRoot: string): Promise<SectionResult> {
  const cases = JSON.parse(readFileSync(join(corpusRoot, "validate/cel/cases.json"), "utf8")) as readonly Case[];
  const failures: { id: string; why: string }[] = [];
  for (const { id, file, doc, valid } of cases) {
    // From the text, which users write; what the API server is expected to say is no part of the object.
    const text = readFileSync(join(corpusRoot, "validate", file), "utf8").replaceAll(/^_err:.*\n(?: .*\n)*/gmu, "");
    const document = parseFile(text, file)[doc];
    const error = document?.findings.find((finding) => finding.level === "error");
    if (valid && error !== undefined) failures.push({ id, why: findingText(error) });
    else if (document === undefined) failures.push({ id, why: `${file} has no document ${doc}` });
    else if (valid && document.object === undefined) failures.push({ id, why: "is not decoded" });
    else if (!valid && error === undefined) failures.push({ id, why: "accepted, though it is invalid" });
  }
  return { passed: cases.length - failures.length, total: cases.length, failures };
}
