// TrafficExtension: a WebAssembly or Lua filter of the proxies.
import { enumeration, field, int32, limited, message, required, string, wrapped, type Decoded } from "./declaration.ts";
import { trafficMatch, wasmFields } from "./extensions/plugin.ts";
import { targetRefs, workloadSelector } from "./selector.ts";

const luaConfig = message("LuaConfig", {
  inlineCode: required(limited(string, { minLength: 1, maxLength: 65_536 }), "The script"),
});

const wasmConfig = message("WasmConfig", wasmFields);

export const trafficExtension = limited(
  message(
    "TrafficExtension",
    {
      selector: field(workloadSelector, "Workloads that it is for; without any all of the namespace"),
      targetRefs: field(targetRefs, "Objects that it is for"),
      phase: field(enumeration(["UNSPECIFIED", "AUTHN", "AUTHZ", "STATS"]), "Where it stands among Istio's filters"),
      priority: field(wrapped(int32), "The order within a phase; the highest first"),
      match: trafficMatch,
      wasm: field(wasmConfig, "A WebAssembly filter"),
      lua: field(luaConfig, "A Lua filter"),
    },
    [["wasm", "lua"]],
  ),
  {
    rules: [
      {
        rule: "(has(self.selector) ? 1 : 0) + (has(self.targetRefs) ? 1 : 0) <= 1",
        message: "only one of targetRefs or selector can be set",
      },
      { rule: "has(self.wasm) != has(self.lua)", message: "exactly one of wasm or lua must be set" },
    ],
  },
);
export type TrafficExtensionSpec = Decoded<typeof trafficExtension>;
