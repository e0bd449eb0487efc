// Section `validate/dataset`: one valid object of each kind and version. Each is accepted, and refused once it asks for that.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findingText } from "#api/finding";
import { parseFile } from "#api/parse-file";
import type { SectionResult } from "../run.ts";

interface Case {
  /** Below the folder validate/. */
  readonly file: string;
  readonly doc: number;
  readonly valid: boolean;
}

export async function run(corpusRoot: string): Promise<SectionResult> {
  const cases = JSON.parse(readFileSync(join(corpusRoot, "validate/dataset/cases.json"), "utf8")) as readonly Case[];
  const failures: { id: string; why: string }[] = [];
  for (const { file, doc, valid } of cases) {
    const text = readFileSync(join(corpusRoot, "validate", file), "utf8");
    const document = parseFile(text, file)[doc];
    const error = document?.findings.find((finding) => finding.level === "error");
    if (document === undefined) failures.push({ id: file, why: "holds no document" });
    else if (valid !== (error === undefined)) failures.push({ id: file, why: error === undefined ? "accepted" : findingText(error) });
    else if (valid && document.object === undefined) failures.push({ id: file, why: "is not decoded" });
    else if (valid && !refusesOnDemand(text)) failures.push({ id: file, why: "accepted with the annotation that asks for refusal" });
  }
  return { passed: cases.length - failures.length, total: cases.length, failures };
}

function refusesOnDemand(text: string): boolean {
  const marked = text.replace(/^metadata:\n( +)/mu, 'metadata:\n$1annotations: {internal.istio.io/webhook-always-reject: "true"}\n$1');
  return parseFile(marked, "marked.yaml").some(({ findings }) =>
    findings.some(({ level, field }) => level === "error" && field?.includes("webhook-always-reject") === true),
  );
}
