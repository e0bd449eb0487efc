// Section "istiod": for each recorded scenario and proxy, what our control plane generates is compared by meaning with what a real
// istiod generated. `istiod/` has the parts; `istiod/exceptions.ts` is the only table of what may differ.
import { join, matchesGlob } from "node:path";
import { EXCEPTIONS, isLaterScenario, LATER_TYPES } from "./istiod/exceptions.ts";
import { scenarioLines, summaryLines } from "./istiod/report.ts";
import { runScenario, type ScenarioResult } from "./istiod/scenario-result.ts";
import { readScenario, scenarioNames, TYPE_NAMES, type ResourceType } from "./istiod/scenario.ts";
import type { SectionOptions, SectionResult } from "./run.ts";

/** So many scenarios of the families that are served pass at least: all that there are here. */
const PASSING = 95;
/** The part of them that may need exceptions. */
const MOST_EXCEPTED = 0.05;

export async function run(directory: string, options: SectionOptions): Promise<SectionResult> {
  const folder = join(directory, "istiod");
  const wanted = options.scenario;
  const names = scenarioNames(folder).filter((name) => wanted.length === 0 || wanted.some((glob) => matchesGlob(name, glob)));
  const types = TYPE_NAMES.filter((type) => options.type === undefined || options.type === type);
  if (types.length === 0) throw new Error(`no type "${options.type}"; there are ${TYPE_NAMES.join(", ")}`);
  const inFull = options.verbose;
  const ours: ScenarioResult[] = [];
  const later: ScenarioResult[] = [];
  for (const name of names) {
    const scenario = readScenario(folder, name);
    (isLaterScenario(scenario) ? later : ours).push(runScenario(scenario, types as readonly ResourceType[]));
  }
  const failing = ours.filter(differs);
  const failures = failing.flatMap((result) => {
    const count = result.error === undefined ? `${result.differences.length} differences` : "not compared";
    return [{ id: result.name, why: [count, ...scenarioLines(result, inFull)].join("\n    ") }];
  });
  const whole = wanted.length === 0 && options.type === undefined;
  return {
    passed: ours.length - failing.length,
    total: ours.length,
    failures,
    ...(whole ? { required: PASSING, faults: tableFaults(ours, later) } : {}),
    later: later.map((result) => ({
      id: result.name,
      why: differs(result)
        ? [`later: ${result.differences.length} differences`, ...(inFull ? scenarioLines(result, true) : [])].join("\n    ")
        : "later, and nothing differs",
    })),
    report: summaryLines(ours),
  };
}

function differs({ error, differences }: ScenarioResult): boolean {
  return error !== undefined || differences.length > 0;
}

function tableFaults(ours: readonly ScenarioResult[], later: readonly ScenarioResult[]): readonly string[] {
  const results = [...ours, ...later];
  const needed = new Set(results.flatMap(({ exceptions }) => [...exceptions]));
  const neededTypes = new Set(results.flatMap(({ later }) => [...later]));
  const excepted = ours.filter(({ exceptions }) => exceptions.size > 0).length;
  return [
    ...EXCEPTIONS.filter((row) => !needed.has(row)).map(
      (row) => `the row ${row.scenario} ${row.resource} ${row.path} is not needed any more`,
    ),
    ...LATER_TYPES.filter(({ type }) => !neededTypes.has(type)).map(({ type }) => `the later type ${type} is not missing any more`),
    ...(excepted > ours.length * MOST_EXCEPTED ? [`${excepted} of ${ours.length} scenarios need rows of the exceptions table`] : []),
  ];
}
