// WasmPlugin: a WebAssembly filter of the proxies.
import { enumeration, field, int32, limited, message, wrapped, type Decoded } from "./declaration.ts";
import { trafficMatch, wasmFields } from "./extensions/plugin.ts";
import { oneSelector, policySelection } from "./selector.ts";

export const wasmPlugin = limited(
  message("WasmPlugin", {
    ...policySelection,
    ...wasmFields,
    phase: field(enumeration(["UNSPECIFIED_PHASE", "AUTHN", "AUTHZ", "STATS"]), "Where it stands among Istio's filters"),
    priority: field(wrapped(int32), "The order within a phase; the highest first"),
    match: trafficMatch,
  }),
  oneSelector,
);
export type WasmPluginSpec = Decoded<typeof wasmPlugin>;
