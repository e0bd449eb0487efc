// Everything that may differ from what istiod generated, and why. A row that no difference needs any more fails the run.
import { readdirSync } from "node:fs";
import type { JsonValue } from "@bufbuild/protobuf";
import type { Difference } from "./compare.ts";
import type { ResourceType, Scenario } from "./scenario.ts";

/** Families of scenarios (the first word of their names) that show what later work brings. */
const LATER_FAMILIES: ReadonlySet<string> = new Set([
  "jwt",
  "authz",
  "accesslog",
  "tracing",
  "telemetry",
  "metrics",
  "envoyfilter",
  "wasm",
  "trafficextension",
  "gwapi",
  "multi",
]);

/** Kinds that have no effect yet: a scenario of another family that holds one of them shows what that kind does. */
const LATER_KINDS: ReadonlySet<string> = new Set([
  "EnvoyFilter",
  "WasmPlugin",
  "TrafficExtension",
  "Telemetry",
  "AuthorizationPolicy",
  "RequestAuthentication",
  "HTTPRoute",
  "GRPCRoute",
  "TCPRoute",
  "TLSRoute",
  "BackendTLSPolicy",
]);

/** Whether the scenario shows what later work brings. */
export function isLaterScenario({ name, directory, input }: Pick<Scenario, "name" | "directory" | "input">): boolean {
  if (LATER_FAMILIES.has(name.split("-")[0] ?? "")) return true;
  // Objects of a second cluster are read when there are several.
  if (readdirSync(directory).some((file) => file.startsWith("cluster-"))) return true;
  return [...input.matchAll(/^kind: (\w+)$/gm)].some(([, kind = ""]) => LATER_KINDS.has(kind));
}

/** A part of a resource that a later issue brings: it may be missing, anywhere; what is generated is compared. */
export interface LaterType {
  readonly type: string;
  /** Of the difference, with the names of list members in brackets. */
  readonly path: RegExp;
  readonly reason: string;
}

export const LATER_TYPES: readonly LaterType[] = [];

/** The type of a later issue whose absence the difference is. */
export function laterTypeOf({ path, got }: Difference): string | undefined {
  return got === undefined ? LATER_TYPES.find((row) => row.path.test(path))?.type : undefined;
}

/** One difference of one scenario that stays, with both values. */
export interface Exception {
  readonly scenario: string;
  readonly proxy: string;
  readonly type: ResourceType;
  readonly resource: string;
  readonly path: string;
  readonly expected: JsonValue | undefined;
  readonly got: JsonValue | undefined;
  readonly reason: string;
}

export const EXCEPTIONS: readonly Exception[] = [];
