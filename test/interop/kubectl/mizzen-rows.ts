// Rows of kubectl's table that mizzen takes in kubectl's place: its commands have kubectl's flags and output. What differs on purpose is
// here, and nowhere else.
import { join } from "node:path";
import { ROOT } from "../../harness/mesh.ts";
import type { Answer, Story } from "./invocation.ts";
import type { KubectlAt } from "./runner.ts";

const STORIES = ["get", "select", "watch", "describe", "wait", "delete"];
const COMMANDS = ["get", "describe", "delete", "wait"];
/** Raw paths, Go's templates and pages are kubectl's alone; namespaces it describes in a form of their own. */
const NOT_OURS = /--raw|go-template|--chunk-size|^describe namespace/u;

function knows(run: string): boolean {
  return COMMANDS.includes(run.split(" ")[0] ?? "") && !NOT_OURS.test(run);
}

export const mizzenInstead: NonNullable<KubectlAt["instead"]> = { knows, command: [process.execPath, join(ROOT, "src/cli/main.ts")] };

export function isForMizzen({ name }: Story): boolean {
  return STORIES.includes(name);
}

/** What an answer says but for: who says an error, which file it was about, warnings, which formats there are, and 2 for how it was called. */
export function essence({ exitCode, stdout, stderr }: Answer): Answer {
  return {
    exitCode: Math.min(exitCode, 1),
    stdout,
    stderr: stderr
      .replaceAll(/^mizzen: (?=Error from server)/gmu, "")
      .replaceAll(/^(?:mizzen|error): /gmu, "")
      .replaceAll(/error when deleting "[^"]*": /gu, "")
      .replaceAll(/Unable to find "[^"]*" that match label selector "[^"]*", field selector "[^"]*": /gu, "")
      .replaceAll(/^Warning: .*\n/gmu, "")
      .replaceAll(/, allowed formats are: .*/gu, ""),
  };
}
