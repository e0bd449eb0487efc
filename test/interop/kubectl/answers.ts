// What a Kubernetes API server answered to kubectl's table.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Answers } from "./invocation.ts";

export const answersFile = join(import.meta.dirname, "../testdata/kubectl-answers.json");

export function readAnswers(): Answers {
  try {
    return JSON.parse(readFileSync(answersFile, "utf8")) as Answers;
  } catch (error) {
    // Before the first recording.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}
