// As much of JSONPath as printer columns use: .name, ['name'], [0], [*], [?(@.type=="Ready")].
import { entriesOf, isList, isObject, member, type Json } from "#control-plane/api-server/json";

type Step =
  | { readonly kind: "member"; readonly name: string }
  | { readonly kind: "index"; readonly index: number }
  | { readonly kind: "all" }
  | { readonly kind: "where"; readonly path: readonly string[]; readonly value: string };

export type JsonPath = readonly Step[];

const STEP = /\.([A-Za-z_][\w-]*|\*)|\[(\d+)\]|\[\*\]|\[['"]([^'"]*)['"]\]|\[\?\(@((?:\.[A-Za-z_][\w-]*)+)\s*==\s*["']([^"']*)["']\)\]/uy;

/** @throws Error for what is not of this language; paths come from declarations alone */
export function parseJsonPath(text: string): JsonPath {
  const steps: Step[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < text.length) {
    const from = STEP.lastIndex;
    const match = STEP.exec(text);
    if (match === null) throw new Error(`not a JSON path that columns use: ${text} at ${from}`);
    const [, name, index, quoted, path, value] = match;
    if (name !== undefined && name !== "*") steps.push({ kind: "member", name });
    else if (index !== undefined) steps.push({ kind: "index", index: Number(index) });
    else if (quoted !== undefined) steps.push({ kind: "member", name: quoted });
    else if (path !== undefined && value !== undefined) steps.push({ kind: "where", path: path.slice(1).split("."), value });
    else steps.push({ kind: "all" });
  }
  return steps;
}

export function evaluate(path: JsonPath, value: Json): readonly Json[] {
  let found: readonly Json[] = [value];
  for (const step of path) found = found.flatMap((current) => take(step, current));
  return found;
}

function take(step: Step, value: Json): readonly Json[] {
  switch (step.kind) {
    case "member": {
      const inner = member(value, step.name);
      return inner === undefined ? [] : [inner];
    }
    case "index":
      return isList(value) ? value.slice(step.index, step.index + 1) : [];
    case "all":
      return valuesOf(value);
    case "where":
      return valuesOf(value).filter((item) => {
        let current: Json | undefined = item;
        for (const name of step.path) current = member(current, name);
        return current === step.value;
      });
  }
}

function valuesOf(value: Json): readonly Json[] {
  if (isList(value)) return value;
  return isObject(value) ? entriesOf(value).map(([, item]) => item) : [];
}
