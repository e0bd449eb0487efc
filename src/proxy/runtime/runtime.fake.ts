// Runtime layers for tests, written as a static layer is.
import type { JsonObject } from "@bufbuild/protobuf";
import { CurrentRuntime } from "./runtime.ts";
import type { Runtime, RuntimeValues } from "./runtime.ts";
import { flattenStruct } from "./struct-layer.ts";

export function runtimeValues(struct: JsonObject): RuntimeValues {
  return flattenStruct(struct, (key, message) => {
    throw new Error(`${key} ${message}`);
  });
}

export function runtimeOf(struct: JsonObject): Runtime {
  const runtime = new CurrentRuntime();
  runtime.set(runtimeValues(struct));
  return runtime;
}
