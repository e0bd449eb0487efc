// Admin pages of runtime layers: what they say, and what is said anew. Texts and JSON are Envoy's.
import type { JsonObject } from "@bufbuild/protobuf";
import type { AdminSource } from "./admin-source.ts";
import { OK } from "./page.ts";
import type { Answer } from "./page.ts";

const USAGE = `usage: /runtime_modify?key1=value1&key2=value2&keyN=valueN
       or send the parameters as form values
use an empty value to remove a previously added override`;

export function runtimePage({ runtime: { layers } }: Pick<AdminSource, "runtime">): JsonObject {
  const keys = new Set(layers.flatMap(({ values }) => [...values.keys()]));
  const entries: JsonObject = {};
  for (const key of [...keys].sort()) {
    const texts = layers.map(({ values }) => values.get(key)?.text ?? "");
    entries[key] = { layer_values: texts, final_value: texts.findLast((text) => text !== "") ?? "" };
  }
  return { entries, layers: layers.map(({ name }) => name) };
}

export function modifyRuntime({ runtime }: Pick<AdminSource, "runtime">, query: URLSearchParams): Answer {
  if (query.size === 0) return { status: 400, body: USAGE };
  // Of a key that is said twice the first counts.
  const changes = new Map([...query].reverse());
  try {
    runtime.modify(changes);
    return OK;
  } catch (error) {
    return { status: 503, body: error instanceof Error ? error.message : String(error) };
  }
}
