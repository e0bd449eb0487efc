// What differs in one scenario, sorted into real differences, rows of the exceptions table, and parts of later work.
import { meshOfYaml, nodeOf } from "../../harness/mesh-of-yaml.ts";
import { canonical } from "./list-meaning.ts";
import { compareResources, type Difference } from "./compare.ts";
import { EXCEPTIONS, laterTypeOf, type Exception } from "./exceptions.ts";
import { generatedResources } from "./generated.ts";
import { recordedResources, TYPE_NAMES, type Resources, type ResourceType, type Scenario } from "./scenario.ts";

export interface PlacedDifference extends Difference {
  readonly proxy: string;
  readonly type: ResourceType;
  readonly resource: string;
}

export interface ScenarioResult {
  readonly name: string;
  /** Refused input, or a generator that throws: then nothing was compared. */
  readonly error: string | undefined;
  readonly differences: readonly PlacedDifference[];
  /** Names of types of later issues that are missing. */
  readonly later: ReadonlySet<string>;
  /** Rows of the table that were needed. */
  readonly exceptions: ReadonlySet<Exception>;
  /** Recorded resources, and those of them without a difference, by type. */
  readonly counts: Readonly<Record<ResourceType, { readonly total: number; readonly equal: number }>>;
}

export function runScenario(scenario: Scenario, types: readonly ResourceType[] = TYPE_NAMES): ScenarioResult {
  const later = new Set<string>();
  const exceptions = new Set<Exception>();
  const differences: PlacedDifference[] = [];
  const counts = {
    listeners: { total: 0, equal: 0 },
    routes: { total: 0, equal: 0 },
    clusters: { total: 0, equal: 0 },
    endpoints: { total: 0, equal: 0 },
  };
  let error: string | undefined;
  try {
    const mesh = meshOfYaml(scenario.input, scenario.mesh);
    for (const proxy of scenario.proxies) {
      const generated = generatedResources(mesh, nodeOf({ ...proxy, ips: proxy.ips ?? [proxy.ip] }));
      for (const type of types) {
        const recorded = recordedResources(scenario, proxy.name, type);
        const unequal = new Set<string>();
        for (const difference of differencesOf(type, recorded, generated)) {
          const placed = { ...difference, proxy: proxy.name, type };
          const exception = EXCEPTIONS.find((row) => isRowOf(row, scenario.name, placed));
          const laterType = laterTypeOf(placed);
          if (exception !== undefined) exceptions.add(exception);
          else if (laterType !== undefined) later.add(laterType);
          else {
            differences.push(placed);
            unequal.add(placed.resource);
          }
        }
        counts[type].total += recorded.size;
        counts[type].equal += [...recorded.keys()].filter((name) => !unequal.has(name)).length;
      }
    }
  } catch (thrown) {
    error = thrown instanceof Error ? (thrown.stack ?? thrown.message).split("\n").slice(0, 4).join(" ") : String(thrown);
  }
  return { name: scenario.name, error, differences, later, exceptions, counts };
}

function isRowOf(row: Exception, scenario: string, difference: PlacedDifference): boolean {
  return (
    row.scenario === scenario &&
    row.proxy === difference.proxy &&
    row.type === difference.type &&
    row.resource === difference.resource &&
    row.path === difference.path &&
    canonical(row.expected) === canonical(difference.expected) &&
    canonical(row.got) === canonical(difference.got)
  );
}

function differencesOf(
  type: ResourceType,
  recorded: Resources,
  generated: Readonly<Record<ResourceType, Resources>>,
): readonly (Difference & { readonly resource: string })[] {
  const result: (Difference & { readonly resource: string })[] = [];
  for (const [resource, expected] of recorded) {
    const got = generated[type].get(resource);
    if (got === undefined) result.push({ resource, path: "", expected });
    else for (const difference of compareResources(expected, got)) result.push({ resource, ...difference });
  }
  const asked = askedFor(type, generated);
  for (const [resource, got] of generated[type]) {
    if (!recorded.has(resource) && asked(resource)) result.push({ resource, path: "", got });
  }
  return result;
}

/** Listeners and clusters go to the proxy unasked; of routes and endpoints it gets those that they name. */
function askedFor(type: ResourceType, generated: Readonly<Record<ResourceType, Resources>>): (name: string) => boolean {
  if (type === "listeners" || type === "clusters") return () => true;
  if (type === "endpoints") {
    return (name) => generated.clusters.get(name)?.["type"] === "EDS";
  }
  const text = [...generated.listeners.values()].map((listener) => JSON.stringify(listener)).join("\n");
  return (name) => text.includes(`"routeConfigName":${JSON.stringify(name)}`);
}
