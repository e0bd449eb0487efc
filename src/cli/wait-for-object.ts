// `mizzen wait --for=condition=...|jsonpath=...|delete|create`, as kubectl waits, on the mesh and on a cluster.
import type { Clock } from "#runtime/clock";
import { CommandError } from "./command-error.ts";
import { existing } from "./kubernetes/apply-set.ts";
import { discover } from "./kubernetes/discovery.ts";
import { parseTemplate, valuesAt, valueText } from "./kubernetes/jsonpath.ts";
import { objectText, type KubernetesObject } from "./kubernetes/objects.ts";
import { resolveObjects, type ResolvedObject } from "./kubernetes/resolved-objects.ts";
import { withTarget } from "./kubernetes/target.ts";
import type { WaitOptions } from "./wait.ts";

const ASK_AGAIN_MS = 100;

/** Whether the object (undefined: there is none) is as wanted. */
type Test = (object: KubernetesObject | undefined) => boolean;

/** @throws CommandError for a condition that is not there */
export function parseCondition(condition: string): Test {
  if (condition === "delete") return (object) => object === undefined;
  if (condition === "create") return (object) => object !== undefined;
  const [, type, status = "true"] = /^condition=([^=]+)(?:=(.*))?$/u.exec(condition) ?? [];
  if (type !== undefined) return (object) => hasCondition(object, type, status);
  const [, template, value] = /^jsonpath=(\{.*\})(?:==?(.*))?$/su.exec(condition) ?? [];
  if (template === undefined)
    throw new CommandError(
      `--for ${condition} is not one of distribution, condition=TYPE[=STATUS], jsonpath={PATH}[=VALUE], delete, create`,
      2,
    );
  const [part, ...more] = parseTemplate(template);
  if (part?.is !== "path" || more.length > 0) throw new CommandError(`--for jsonpath=${template} must be one path in braces`, 2);
  return (object) => {
    const values = object === undefined ? [] : valuesAt(object, part.path);
    return value === undefined ? values.length > 0 : values.length === 1 && valueText(values[0]) === value;
  };
}

interface Condition {
  readonly type?: string;
  readonly status?: string;
  readonly observedGeneration?: number;
}

/** A condition of an older generation says nothing of the object as it is, as kubectl has it. */
function hasCondition(object: KubernetesObject | undefined, type: string, status: string): boolean {
  const { conditions = [] } = (object?.["status"] ?? {}) as { readonly conditions?: readonly Condition[] };
  const found = conditions.find((one) => one.type?.toLowerCase() === type.toLowerCase());
  if (found === undefined) return false;
  const generation = object?.metadata.generation ?? 0;
  return (found.observedGeneration ?? generation) >= generation && found.status?.toLowerCase() === status.toLowerCase();
}

export function waitForObject(
  words: readonly string[],
  condition: string,
  options: WaitOptions,
  timeoutMs: number,
  clock: Clock,
): Promise<void> {
  const test = parseCondition(condition);
  const mayBeMissing = condition === "delete" || condition === "create";
  return withTarget(options, async (target) => {
    const discovery = await discover(target.client);
    const objects = await resolveObjects(words, discovery, target, { selector: options.selector, all: options.all });
    const untilMs = clock.monotonicMs() + timeoutMs;
    for (const one of objects) {
      // As kubectl: nothing was waited for, nothing is said.
      if (condition === "delete" && (await existing(target.client, one.path)) === undefined) continue;
      await waitForOne(one, test, { mayBeMissing, untilMs, get: () => existing(target.client, one.path) }, clock);
      process.stdout.write(`${textOf(one)} condition met\n`);
    }
  });
}

function textOf({ resource, name }: ResolvedObject): string {
  const apiVersion = resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
  return objectText({ apiVersion, kind: resource.kind, metadata: { name } });
}

interface Waiting {
  readonly mayBeMissing: boolean;
  readonly untilMs: number;
  readonly get: () => Promise<KubernetesObject | undefined>;
}

async function waitForOne({ resource, name }: ResolvedObject, test: Test, waiting: Waiting, clock: Clock): Promise<void> {
  for (;;) {
    const object = await waiting.get();
    if (object === undefined && !waiting.mayBeMissing)
      throw new CommandError(
        `Error from server (NotFound): ${resource.plural}${resource.group === "" ? "" : `.${resource.group}`} "${name}" not found`,
      );
    if (test(object)) return;
    if (clock.monotonicMs() > waiting.untilMs) throw new CommandError(`timed out waiting for the condition on ${resource.plural}/${name}`);
    await new Promise<void>((resolve) => clock.setTimer(ASK_AGAIN_MS, resolve));
  }
}
