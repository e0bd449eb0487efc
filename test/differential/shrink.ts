// Makes a failing pair smaller while it goes on failing: takes away members of the configuration and headers of the request, one by one.
import type { JsonValue } from "@bufbuild/protobuf";
import type { Pair } from "./pair.ts";
import type { Around } from "./two-proxies.ts";

export interface Failing {
  readonly around: Around;
  readonly pair: Pair;
}

type Path = readonly (string | number)[];

function* members(value: JsonValue, path: Path): Generator<Path> {
  if (typeof value !== "object" || value === null) return;
  const keys = Array.isArray(value) ? value.map((_, index) => index).reverse() : Object.keys(value);
  for (const key of keys) {
    // Without a hash policy the host is a matter of chance: another difference.
    if (key === "@type" || key === "name" || key === "domains" || key === "hash_policy") continue;
    yield [...path, key];
    yield* members((value as Record<string | number, JsonValue>)[key]!, [...path, key]);
  }
}

function without<T extends JsonValue>(value: T, path: Path): T {
  const copy = structuredClone(value);
  let at = copy as unknown as Record<string | number, JsonValue>;
  for (const key of path.slice(0, -1)) at = at[key] as unknown as typeof at;
  const last = path.at(-1)!;
  if (Array.isArray(at)) at.splice(Number(last), 1);
  else delete at[last];
  return copy;
}

function* smaller({ around, pair }: Failing): Generator<Failing> {
  const { table, manager } = around;
  for (const path of members(manager, [])) yield { around: { ...around, manager: without(manager, path) }, pair };
  for (const path of members(table, [])) yield { around: { ...around, table: without(table, path) }, pair };
  for (let i = 0; i < around.coders.length; i++) yield { around: { ...around, coders: around.coders.toSpliced(i, 1) }, pair };
  for (const path of members(pair.virtualHost, [])) yield { around, pair: { ...pair, virtualHost: without(pair.virtualHost, path) } };
  const { request } = pair;
  for (let i = 0; i < request.headers.length; i++)
    yield { around, pair: { ...pair, request: { ...request, headers: request.headers.toSpliced(i, 1) } } };
  if (request.times !== undefined) yield { around, pair: { ...pair, request: { ...request, times: 1 } } };
  if (request.body !== "") yield { around, pair: { ...pair, request: { ...request, body: "" } } };
  if (request.path.includes("?")) yield { around, pair: { ...pair, request: { ...request, path: request.path.replace(/\?.*/, "") } } };
}

/** `fails` says whether the same kind of difference is still there; it is asked `budget` times at most. */
export async function shrink(failing: Failing, fails: (candidate: Failing) => Promise<boolean>, budget: number): Promise<Failing> {
  let best = failing;
  for (let asked = 0, found = true; found && asked < budget;) {
    found = false;
    for (const candidate of smaller(best)) {
      if (asked++ >= budget) break;
      if (!(await fails(candidate))) continue;
      best = candidate;
      found = true;
      break;
    }
  }
  return best;
}
