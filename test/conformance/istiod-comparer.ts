// Section "istiod/comparer": is the comparer of section "istiod" able to see? Seeded single changes of recorded resources are compared
// with the originals; every one that the tables do not excuse must be reported.
import { join } from "node:path";
import { seededRandom } from "#runtime/random";
import { compareResources } from "./istiod/compare.ts";
import { laterTypeOf } from "./istiod/exceptions.ts";
import { mutate, mutationSites } from "./istiod/mutations.ts";
import { readScenario, recordedResources, scenarioNames, TYPE_NAMES } from "./istiod/scenario.ts";
import type { SectionResult } from "./run.ts";

const MUTATIONS = 200;
const SEED = 20_261_123;

export function run(directory: string): Promise<SectionResult> {
  const folder = join(directory, "istiod");
  const failures: { id: string; why: string }[] = [];
  let passed = 0;
  let made = 0;
  let excused = 0;
  for (const [index, name] of scenarioNames(folder).entries()) {
    const scenario = readScenario(folder, name);
    const random = seededRandom(SEED + index);
    const resources = scenario.proxies
      .flatMap((proxy) =>
        TYPE_NAMES.flatMap((type) =>
          [...recordedResources(scenario, proxy.name, type)].map(([resource, json]) => ({
            where: `${proxy.name} ${type} ${resource}`,
            json,
            sites: mutationSites(json),
          })),
        ),
      )
      .filter(({ sites }) => sites.length > 0);
    const before = failures.length;
    for (let i = 0; i < MUTATIONS; i++) {
      const resource = resources[random.integer(resources.length)];
      const site = resource?.sites[random.integer(resource.sites.length)];
      if (resource === undefined || site === undefined) throw new Error(`${name}: nothing to change`);
      made++;
      const mutation = mutate(resource.json, site, random);
      const differences = compareResources(resource.json, mutation.resource);
      if (differences.length === 0) failures.push({ id: name, why: `${resource.where}: ${mutation.what} is not seen` });
      else if (differences.every((difference) => laterTypeOf(difference) !== undefined)) excused++;
    }
    if (failures.length === before) passed++;
  }
  return Promise.resolve({
    passed,
    total: scenarioNames(folder).length,
    failures,
    report: [`${made} changes of recorded resources, ${excused} of them parts of later issues`],
  });
}
