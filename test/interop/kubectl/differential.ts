// `node scripts/node26.mjs test/interop/kubectl/differential.ts KUBECONFIG [--record | --mizzen] [STORY ...]`: runs kubectl's table against an API
// server that has Istio's CustomResourceDefinitions (`mizzen crds`). --record writes its answers down as what is expected, so it is for
// a Kubernetes API server only. --mizzen puts mizzen in kubectl's place where it has the command.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { kubectlBinary } from "../../harness/tools.ts";
import { stories } from "../kubectl-table.ts";
import { answersFile, readAnswers } from "./answers.ts";
import { keyOf, type Answer } from "./invocation.ts";
import { difference } from "./mask.ts";
import { essence, isForMizzen, mizzenInstead } from "./mizzen-rows.ts";
import { runStory } from "./runner.ts";

const args = process.argv.slice(2).filter((arg) => !arg.startsWith("--"));
const record = process.argv.includes("--record");
const byMizzen = process.argv.includes("--mizzen");
const [kubeconfig, ...names] = args;
if (kubeconfig === undefined) throw new Error("name the kubeconfig of an API server");
const unknown = names.find((name) => !stories.some((story) => story.name === name));
if (unknown !== undefined) throw new Error(`there is no story "${unknown}"; there are ${stories.map(({ name }) => name).join(", ")}`);
const chosen = names.length === 0 ? stories : stories.filter(({ name }) => names.includes(name));
const instead = byMizzen ? { instead: mizzenInstead } : {};
const judged = byMizzen ? essence : (answer: Answer): Answer => answer;

const expected = readAnswers();
const recorded: Record<string, Answer> = { ...expected };
let rows = 0;
let unlike = 0;
for (const story of byMizzen ? chosen.filter(isForMizzen) : chosen) {
  const answers = await runStory(story, { kubectl: kubectlBinary(), kubeconfig, ...instead });
  for (const [index, row] of story.rows.entries()) {
    const key = keyOf(story, index);
    const answer = answers.get(key);
    if (answer === undefined) throw new Error(`no answer to ${key}`);
    rows += 1;
    const before = expected[key];
    recorded[key] = answer;
    const found = before === undefined ? "no answer is recorded" : difference(row, judged(before), judged(answer));
    if (found === undefined) continue;
    unlike += 1;
    process.stdout.write(`${key}\n  ${found.replaceAll("\n", "\n  ")}\n`);
  }
}
if (record) {
  const known = stories.flatMap((story) => story.rows.map((_, index) => keyOf(story, index)));
  const kept = known.flatMap((key) => (recorded[key] === undefined ? [] : [[key, recorded[key]] as const]));
  writeFileSync(answersFile, `${JSON.stringify(Object.fromEntries(kept), undefined, 1)}\n`);
  process.stdout.write(`${join("test/interop/testdata", "kubectl-answers.json")} holds ${kept.length} answers\n`);
}
process.stdout.write(`${rows} invocations, ${unlike} answered differently\n`);
process.exitCode = unlike > 0 && !record ? 1 : 0;
