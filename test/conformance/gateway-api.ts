// Section `gateway-api`: the Gateway API's own examples must be accepted, its invalid examples refused, as a cluster with its CRDs does.
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { findingText } from "#api/finding";
import { parseFile } from "#api/parse-file";
import type { SectionResult } from "./run.ts";

interface Case {
  /** Below the folder validate/. */
  readonly file: string;
  readonly valid: boolean;
}

export async function run(corpusRoot: string): Promise<SectionResult> {
  const cases = JSON.parse(readFileSync(join(corpusRoot, "validate/gateway-api/cases.json"), "utf8")) as readonly Case[];
  const failures: { id: string; why: string }[] = [];
  for (const { file, valid } of cases) {
    const text = readFileSync(join(corpusRoot, "validate", file), "utf8");
    const documents = parseFile(text, basename(file));
    const errors = documents.flatMap((document) => document.findings).filter((finding) => finding.level === "error");
    if (valid) {
      if (errors[0] !== undefined) failures.push({ id: file, why: findingText(errors[0]) });
      // A kind that is known by name only is not checked, and so proves nothing.
      else if (documents.length === 0 || documents.some((document) => document.object === undefined))
        failures.push({ id: file, why: "not every object was decoded" });
    } else if (errors.length === 0) {
      failures.push({ id: file, why: "accepted, though it is invalid" });
    }
  }
  return { passed: cases.length - failures.length, total: cases.length, failures };
}
