// Runs kubectl's table against any API server: each story in a namespace of its own, in a folder that holds its files.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { keyOf, type Answer, type Invocation, type Story } from "./invocation.ts";
import { mask } from "./mask.ts";

const TIMEOUT_MS = 30_000;
/** How long to wait for one more line than expected. */
const QUIET_MS = 300;

export interface KubectlAt {
  /** The path of kubectl. */
  readonly kubectl: string;
  readonly kubeconfig: string;
  /** Another program in kubectl's place, for the rows that it knows. */
  readonly instead?: { readonly knows: (run: string) => boolean; readonly command: readonly [program: string, ...args: readonly string[]] };
}

/** The words of a command line: single quotes quote, nothing else does. */
function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/(?:'[^']*'|[^\s'])+/gu)].map(([word]) => word.replaceAll("'", ""));
}

interface Where extends KubectlAt {
  readonly folder: string;
  readonly namespace: string;
}

function start(where: Where, run: string, row: Partial<Invocation>) {
  const words = wordsOf(run.replaceAll("NAMESPACE", where.namespace));
  const { instead } = where;
  const [program, ...before] = instead?.knows(run) === true ? instead.command : ([where.kubectl] as const);
  const child = spawn(program, [...before, ...words], {
    cwd: where.folder,
    env: {
      PATH: process.env["PATH"],
      HOME: where.folder,
      KUBECONFIG: where.kubeconfig,
      KUBECACHEDIR: join(where.folder, ".cache"),
      ...(row.editor === undefined ? {} : { KUBE_EDITOR: row.editor }),
    },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => undefined); // kubectl may end without having read it
  child.stdin.end((row.stdin ?? "").replaceAll("NAMESPACE", where.namespace));
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output.stderr += chunk.toString()));
  const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
  const ended = new Promise<Answer>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ exitCode: code ?? -1, ...output });
    });
  });
  return { child, output, ended };
}

async function lines(output: { readonly stdout: string }, count: number): Promise<void> {
  const until = performance.now() + TIMEOUT_MS / 2;
  while (output.stdout.split("\n").length - 1 < count && performance.now() < until) await new Promise((done) => setTimeout(done, 20));
}

async function runRow(where: Where, row: Invocation): Promise<Answer> {
  const { meanwhile } = row;
  const running = start(where, row.run, row);
  if (meanwhile === undefined) return running.ended;
  await lines(running.output, meanwhile.after);
  for (const run of meanwhile.run) {
    const { exitCode, stderr } = await start(where, run, {}).ended;
    if (exitCode !== 0) throw new Error(`kubectl ${run}: ${stderr}`);
  }
  if (meanwhile.until === undefined) return running.ended;
  await lines(running.output, meanwhile.until);
  await new Promise((done) => setTimeout(done, QUIET_MS));
  running.child.kill("SIGKILL");
  // It would never end by itself: there is no exit code to compare.
  return { ...(await running.ended), exitCode: 0 };
}

async function must(where: Where, run: string): Promise<string> {
  const { exitCode, stdout, stderr } = await start(where, run, {}).ended;
  if (exitCode !== 0) throw new Error(`kubectl ${run}: ${stderr}`);
  return stdout;
}

/** The masked answers to a story's rows, by key. */
export async function runStory(story: Story, at: KubectlAt): Promise<ReadonlyMap<string, Answer>> {
  const folder = mkdtempSync(join(tmpdir(), "mizzen-kubectl-"));
  const namespace = `shop-${randomBytes(2).toString("hex")}`;
  const where: Where = { ...at, kubeconfig: join(folder, "kubeconfig"), folder, namespace };
  const answers = new Map<string, Answer>();
  try {
    for (const [name, text] of Object.entries(story.files ?? {})) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text.replaceAll("NAMESPACE", namespace));
    }
    writeFileSync(where.kubeconfig, await must({ ...where, kubeconfig: at.kubeconfig }, "config view --raw --flatten --minify"), {
      mode: 0o600,
    });
    await must(where, "config set-context --current --namespace NAMESPACE");
    const server = await must(where, "config view -o jsonpath={.clusters[0].cluster.server}");
    await must(where, "create namespace NAMESPACE");
    for (const [index, row] of story.rows.entries()) {
      answers.set(keyOf(story, index), mask(await runRow(where, row), row, { namespace, server }));
    }
  } finally {
    await start(where, "delete namespace NAMESPACE --wait=false --ignore-not-found", {}).ended;
    rmSync(folder, { recursive: true, force: true });
  }
  return answers;
}
