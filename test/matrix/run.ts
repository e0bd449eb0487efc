// `npm run matrix -- DIRECTORY [SCENARIO ...]`: what a real istiod configured and what we generate, each on real Envoy and on our proxy, tried
// with the same calls. DIRECTORY holds recorded scenarios; a SCENARIO may be a pattern. With `--seconds` as many scenarios as fit, in an
// order of its own: what CI has time for. With `--validate` Envoy only checks the recorded configurations, those of later work too.
import { createHash } from "node:crypto";
import { join, matchesGlob } from "node:path";
import { parseArgs } from "node:util";
import { isLaterScenario } from "../conformance/istiod/exceptions.ts";
import { readScenario, RESOURCE_TYPES, scenarioNames, type ResourceType, type Scenario } from "../conformance/istiod/scenario.ts";
import { meshOfYaml } from "../harness/mesh-of-yaml.ts";
import { readScenarioObjects } from "../replay/scenario-objects.ts";
import { whyNoNamespaces } from "../replay/network-namespace.ts";
import { envoyObjection } from "./envoy-validation.ts";
import { parseColumns, type ColumnName } from "./columns.ts";
import { agrees, runProxy, type ProxyResult } from "./proxy-result.ts";
import { plainResources, proxyUnderTest } from "./proxy-under-test.ts";
import { proxyLines, referenceProblem, summaryLines } from "./report.ts";
import { TestBed } from "./test-bed.ts";

/** The part of all proxies for which our configuration has to behave on Envoy as the recorded one does. */
const REQUIRED_SHARE = 1;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    borrow: { type: "string", multiple: true, default: [] },
    columns: { type: "string" },
    proxy: { type: "string" },
    seconds: { type: "string" },
    "side-by-side": { type: "string", default: "2" },
    validate: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
});
const [directory, ...patterns] = positionals;
if (directory === undefined) {
  console.error(
    "usage: npm run matrix -- DIRECTORY [SCENARIO ...] [--columns LIST] [--borrow TYPE] [--proxy NAME] [--seconds N] [--side-by-side N] [--validate] [--verbose]",
  );
  process.exit(2);
}
const borrowed = new Set(values.borrow.map((type) => RESOURCE_TYPES[type as ResourceType]));
// Only an orderly exit takes the network down.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.exitCode = values.validate ? await validate(directory) : await compare(directory);

/** @returns the exit code */
async function validate(folder: string): Promise<number> {
  const failed: string[] = [];
  const names = scenarioNames(folder).filter(isNamed);
  for (const name of names) {
    const objections: string[] = [];
    for (const proxy of readScenario(folder, name).proxies) {
      const objection = await envoyObjection(plainResources(join(folder, name, "out", proxy.name)));
      if (objection !== undefined) objections.push(`${name}/${proxy.name}: ${objection}`);
    }
    if (objections.length > 0) failed.push(name);
    for (const objection of objections) console.log(objection);
  }
  console.log(`envoy --mode validate: ${names.length - failed.length} passed, ${failed.length} failed`);
  return failed.length === 0 && names.length > 0 ? 0 : 1;
}

/** @returns the exit code */
async function compare(folder: string): Promise<number> {
  const reason = whyNoNamespaces();
  if (reason !== undefined) {
    console.error(`matrix: cannot run here: ${reason}`);
    return 1;
  }
  const columns = parseColumns(values.columns);
  const deadline = values.seconds === undefined ? Infinity : Date.now() + Number(values.seconds) * 1000;
  const results: ProxyResult[] = [];
  const scenarios = wanted(folder).values();
  // Each has a network of its own; they mostly wait.
  const lane = async (): Promise<void> => {
    const bed = await TestBed.create();
    try {
      for (const scenario of scenarios) {
        if (Date.now() > deadline) break;
        for (const result of await runScenario(bed, scenario, columns)) {
          results.push(result);
          for (const line of proxyLines(result, values.verbose)) console.log(line);
        }
      }
    } finally {
      await bed.close();
    }
  };
  await Promise.all(Array.from({ length: Number(values["side-by-side"]) }, lane));
  for (const line of summaryLines(results)) console.log(line);
  const broken = results.filter((result) => referenceProblem(result) !== undefined).length;
  const envoy = results.flatMap((result) => result.columns.filter(({ column }) => column.text === "generated/envoy"));
  const share = envoy.length === 0 ? 1 : envoy.filter(agrees).length / envoy.length;
  if (share < REQUIRED_SHARE) console.error(`matrix: ${(100 * share).toFixed(1)} % agree on Envoy, ${100 * REQUIRED_SHARE} % have to`);
  console.log(`matrix: ${results.length - broken} passed, ${broken} failed`);
  return broken > 0 || results.length === 0 || share < REQUIRED_SHARE ? 1 : 0;
}

function isNamed(name: string): boolean {
  return patterns.length === 0 || patterns.some((pattern) => matchesGlob(name, pattern));
}

function wanted(folder: string): readonly Scenario[] {
  const all = scenarioNames(folder)
    .filter(isNamed)
    .map((name) => readScenario(folder, name));
  if (patterns.length > 0) return all;
  const ofToday = all.filter((scenario) => !isLaterScenario(scenario));
  const rank = ({ name }: Scenario): string => createHash("sha256").update(name).digest("hex");
  return values.seconds === undefined ? ofToday : ofToday.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

async function runScenario(bed: TestBed, scenario: Scenario, columns: readonly ColumnName[]): Promise<readonly ProxyResult[]> {
  const mesh = meshOfYaml(scenario.input, scenario.mesh);
  const objects = readScenarioObjects(scenario.input, scenario.mesh);
  const ofScenario: ProxyResult[] = [];
  for (const proxy of scenario.proxies) {
    if (values.proxy !== undefined && values.proxy !== proxy.name) continue;
    const test = await proxyUnderTest(scenario, proxy, mesh, objects, bed.authority, borrowed);
    ofScenario.push(await runProxy(bed, `${scenario.name}/${proxy.name}`, test, columns));
  }
  return ofScenario;
}
