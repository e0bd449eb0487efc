// Section `samples-objects`: every object of the samples that people really apply is accepted without an error.
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { findingText } from "#api/finding";
import { parseFile } from "#api/parse-file";
import type { SectionResult } from "./run.ts";

interface Sample {
  readonly file: string;
  /** apiVersion/kind with the number of such objects; absent for files that are no manifests. */
  readonly kinds?: Readonly<Record<string, number>>;
}

/** A YAML document that is no Kubernetes object, such as a Helm chart's values. */
const NO_OBJECT = "None/None";

export async function run(corpusRoot: string): Promise<SectionResult> {
  const samples = (JSON.parse(readFileSync(join(corpusRoot, "samples/index.json"), "utf8")) as readonly Sample[]).filter(
    ({ kinds }) => kinds !== undefined && Object.keys(kinds).some((kind) => kind !== NO_OBJECT),
  );
  const failures: { id: string; why: string }[] = [];
  for (const { file, kinds = {} } of samples) {
    const documents = parseFile(readFileSync(join(corpusRoot, "samples", file), "utf8"), basename(file));
    const error = documents.flatMap((document) => document.findings).find((finding) => finding.level === "error");
    const written = Object.entries(kinds).reduce((sum, [kind, count]) => sum + (kind === NO_OBJECT ? 0 : count), 0);
    if (error !== undefined) failures.push({ id: file, why: findingText(error) });
    else if (documents.length !== written) failures.push({ id: file, why: `${documents.length} objects were read of ${written}` });
  }
  return { passed: samples.length - failures.length, total: samples.length, failures };
}
