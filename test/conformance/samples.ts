// Section `samples`: every file of samples/bookinfo/networking is dropped, unmodified, into the folder of a running Bookinfo mesh. What
// Istio's task promises (task-model.ts) must come true; for what is not there (certificates, databases, outside hosts) the missing thing
// must be named: by a finding, or by 503 with the flag that Envoy gives.
import { copyFileSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { call, callThroughProxy, eventually, ROOT, startMesh } from "../harness/mesh.ts";
import type { Answer, TestMesh } from "../harness/mesh.ts";
import type { SectionResult } from "./run.ts";
import { expectations, meshTlsHosts, objectsOf, outsideHosts } from "./task-model.ts";
import type { Expectation, Outcome, Task } from "./task-model.ts";

const TASK: Task = { versions: { productpage: ["v1"], details: ["v1"], reviews: ["v1", "v2", "v3"], ratings: ["v1"] } };
const SHARE_SAMPLES = 240;
const SETTLE_MS = 5_000;

interface ProxyAddress {
  readonly address: string;
  readonly port: number;
}

/** Which version of reviews answered, from the name that Bookinfo's reviews gives of itself; the other services run in one version only. */
function versionOf(host: string, answer: Answer): string {
  if (host !== "reviews") return "v1";
  const { podname } = JSON.parse(answer.body) as { podname: string };
  return /^reviews-(v\d+)/.exec(podname)?.[1] ?? podname;
}

async function ask(proxy: ProxyAddress, { host, port, user }: Expectation): Promise<Answer> {
  const path = host === "productpage" ? "/productpage" : `/${host}/0`;
  return callThroughProxy(proxy, `http://${host}:${port}${path}`, { headers: user === undefined ? {} : { "end-user": user } });
}

/** undefined when the outcome is as expected, else what is different. */
async function differs(proxy: ProxyAddress, expected: Expectation): Promise<string | undefined> {
  const { outcome } = expected;
  const who = `${expected.host} for ${expected.user ?? "nobody"}`;
  switch (outcome.kind) {
    case "abort": {
      const { status, body } = await ask(proxy, expected);
      return status === outcome.status ? undefined : `${who}: ${status} ${body.slice(0, 100)} instead of ${outcome.status}`;
    }
    case "unavailable": {
      const { status, body } = await ask(proxy, expected);
      const text = outcome.flag === "UH" ? /^no healthy upstream$/ : /^$/;
      return status === 503 && text.test(body)
        ? undefined
        : `${who}: ${status} ${JSON.stringify(body.slice(0, 100))} instead of 503 ${outcome.flag}`;
    }
    case "versions":
      return differsInVersions(proxy, expected, outcome, who);
  }
}

async function differsInVersions(
  proxy: ProxyAddress,
  expected: Expectation,
  outcome: Outcome & { kind: "versions" },
  who: string,
): Promise<string | undefined> {
  const versions = Object.entries(outcome.shares).filter(([, share]) => share > 0);
  if (outcome.delayMs > 0) {
    const { status, ms } = await ask(proxy, expected);
    const close = ms >= outcome.delayMs - 5 && ms < outcome.delayMs + 1500;
    return status === 200 && close ? undefined : `${who}: ${status} after ${ms.toFixed(0)} ms instead of 200 after ${outcome.delayMs} ms`;
  }
  const counts: Record<string, number> = {};
  const samples = versions.length === 1 ? 8 : SHARE_SAMPLES;
  for (let i = 0; i < samples; i++) {
    const answer = await ask(proxy, expected);
    if (answer.status !== 200) return `${who}: ${answer.status} ${answer.body.slice(0, 100)}`;
    const version = versionOf(expected.host, answer);
    counts[version] = (counts[version] ?? 0) + 1;
  }
  for (const version of new Set([...Object.keys(counts), ...Object.keys(outcome.shares)])) {
    const share = outcome.shares[version] ?? 0;
    const count = counts[version] ?? 0;
    // Four and a half standard deviations: a right split fails once in 150,000 runs.
    const slack = share === 0 || share === 1 ? 0 : 4.5 * Math.sqrt(samples * share * (1 - share));
    if (Math.abs(count - samples * share) > slack) return `${who}: ${count} of ${samples} from ${version} instead of a share of ${share}`;
  }
  return undefined;
}

/** The outcome must hold within SETTLE_MS of the save, and then once more. */
async function settle(proxy: ProxyAddress, expected: Expectation): Promise<string | undefined> {
  const until = performance.now() + SETTLE_MS;
  let difference = await differs(proxy, expected);
  while (difference !== undefined && performance.now() < until) {
    await new Promise((done) => setTimeout(done, 100));
    difference = await differs(proxy, expected);
  }
  return difference;
}

async function named(mesh: TestMesh, what: readonly string[]): Promise<string | undefined> {
  try {
    await eventually("the finding", SETTLE_MS, async () => {
      const findings = (await mesh.debug("/debug/findings")).body;
      return what.every((text) => findings.includes(text)) ? true : undefined;
    });
    return undefined;
  } catch {
    return `no finding names ${what.join(" and ")}`;
  }
}

async function runFile(mesh: TestMesh, proxy: ProxyAddress, file: string, base: string): Promise<string[]> {
  const text = readFileSync(file, "utf8");
  const objects = objectsOf(text);
  const problems: string[] = [];
  const note = (problem: string | undefined): void => {
    if (problem !== undefined) problems.push(problem);
  };
  copyFileSync(file, join(mesh.directory, `task-${basename(file)}`));

  const tls = new Set(meshTlsHosts(objects));
  for (const host of tls) {
    note(await named(mesh, ["ISTIO_MUTUAL", host]));
    note(
      await settle(proxy, {
        host,
        port: 9080,
        user: undefined,
        outcome: { kind: "unavailable", flag: "UH", missing: "certificate authority" },
      }),
    );
  }
  for (const host of outsideHosts(objects, TASK)) note(await named(mesh, [host]));
  for (const expected of expectations(objects, objectsOf(base), TASK)) {
    if (tls.has(expected.host)) continue;
    if (expected.outcome.kind === "unavailable") note(await named(mesh, [expected.outcome.missing]));
    note(await settle(proxy, expected));
  }
  for (const { kind, spec, metadata } of objects) {
    if (kind === "Gateway") note(await gatewayServes(objects, spec.servers[0].port.number as number, metadata));
  }
  if (problems.length === 0 && tls.size === 0 && objects.every(({ kind }) => kind !== "Gateway")) {
    const page = await call(`${mesh.gateway}/productpage`);
    if (page.status !== 200) problems.push(`the page answers ${page.status}`);
  }
  return problems;
}

/** A gateway of the file answers at its port (80 maps to 8080 where nobody may bind low ports), with what its VirtualService says. */
async function gatewayServes(objects: ReturnType<typeof objectsOf>, port: number, metadata: { name: string }): Promise<string | undefined> {
  const at = port === 80 ? 8080 : port === 443 ? 8443 : port;
  const service = objects.find(
    ({ kind, spec }) => kind === "VirtualService" && (spec.gateways ?? []).some((name: string) => name.endsWith(metadata.name)),
  );
  const rule = service?.spec.http?.[0];
  const uri = rule?.match?.[0]?.uri;
  const path = (uri?.exact ?? uri?.prefix ?? "/") as string;
  const known = TASK.versions[rule?.route?.[0]?.destination.host as string] !== undefined;
  const wanted = known ? 200 : 503;
  try {
    await eventually(`the gateway at ${at}`, SETTLE_MS, async () =>
      (await call(`http://127.0.0.1:${at}${path}`)).status === wanted ? true : undefined,
    );
    return undefined;
  } catch {
    return `the gateway does not answer ${wanted} at http://127.0.0.1:${at}${path}`;
  }
}

export async function run(directory: string): Promise<SectionResult> {
  const folder = join(directory, "samples/bookinfo/networking");
  const files = readdirSync(folder)
    .filter((name) => /\.ya?ml$/.test(name))
    .sort();
  // Istio's tasks start with the destination rules of all services applied; the sample has them.
  const base = readFileSync(join(ROOT, "samples/bookinfo/destination-rule-all.yaml"), "utf8");
  const mesh = await startMesh();
  const failures: { id: string; why: string }[] = [];
  try {
    const sidecar = await mesh.sidecar("productpage-v1");
    const proxy = { address: sidecar.address, port: sidecar.httpProxyPort };
    for (const name of files) {
      let problems: string[];
      try {
        problems = await runFile(mesh, proxy, join(folder, name), base);
      } catch (error) {
        problems = [error instanceof Error ? error.message : String(error)];
      }
      if (problems.length > 0) failures.push({ id: name, why: problems.join("; ") });
      rmSync(join(mesh.directory, `task-${name}`), { force: true });
      await eventually("the mesh is as before", 10_000, async () => {
        const page = await call(`${mesh.gateway}/productpage`);
        const reviews = await ask(proxy, { host: "reviews", port: 9080, user: undefined, outcome: { kind: "abort", status: 0 } });
        return page.status === 200 && reviews.status === 200 ? true : undefined;
      });
    }
  } finally {
    await mesh.stop();
  }
  return { passed: files.length - failures.length, total: files.length, failures };
}
