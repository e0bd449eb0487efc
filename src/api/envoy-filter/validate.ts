// Istio's rules for an EnvoyFilter.
import { createRequire } from "node:module";
import type { ConfigPatch, EnvoyFilterSpec } from "#api/envoy-filter";
import { expressionFault } from "#api/validation/common-rules";
import { checkLabelsSelector } from "#api/validation/selector-rules";
import type { Check } from "#api/validation/violations";
import { newFilterName } from "./filter-names.ts";
import { checkWaypointMatch, connectionManager } from "./waypoint-match.ts";

export function validateEnvoyFilter(spec: EnvoyFilterSpec, check: Check): void {
  check.warning(
    "patches what the control plane makes, which changes from version to version",
    "use another kind where one does it, and test every upgrade",
  );
  checkLabelsSelector(spec.workloadSelector, check.at("workloadSelector"));
  if (spec.workloadSelector !== undefined && spec.targetRefs !== undefined) {
    check.at("targetRefs").error("cannot stand beside workloadSelector", "keep one of them");
  }
  for (const [index, { namespace = "" }] of (spec.targetRefs ?? []).entries()) {
    if (namespace !== "")
      check.at("targetRefs", index, "namespace").error("objects of another namespace cannot be referred to", "remove it");
  }
  for (const [index, entry] of (spec.configPatches ?? []).entries()) checkConfigPatch(entry, check.at("configPatches", index));
}

function checkConfigPatch(entry: ConfigPatch, check: Check): void {
  const { applyTo = "INVALID", match, patch } = entry;
  if (applyTo === "INVALID") return check.at("applyTo").error("is required", "for example HTTP_FILTER");
  if (!checkWaypointMatch(entry, applyTo, check)) return undefined;
  if (patch === undefined) return check.at("patch").error("is required");
  const { operation = "INVALID" } = patch;
  if (operation === "INVALID") return check.at("patch", "operation").error("is required", "for example MERGE or INSERT_BEFORE");
  if (operation !== "REMOVE" && patch.value === undefined) return check.at("patch", "value").error(`${operation} needs a value`);
  if (!checkProxyVersion(match?.proxy?.proxyVersion ?? "", check.at("match", "proxy", "proxyVersion"))) return undefined;
  if (checkObjectMatch(entry, applyTo, check.at("match")) && patch.value !== undefined) {
    checkValue(applyTo, patch.value, check.at("patch", "value"));
  }
  return undefined;
}

const require = createRequire(import.meta.url);

function checkValue(applyTo: string, value: unknown, check: Check): void {
  // Envoy's API is large, and few files hold an EnvoyFilter.
  const { checkPatchObject } = require("#api/envoy-filter/patch-object") as typeof import("./patch-object.ts");
  const { error, warnings } = checkPatchObject(applyTo, value);
  if (error !== undefined) check.error(error.message, error.hint);
  for (const warning of warnings) check.warning(warning);
}

const maxProxyVersionLength = 1024;

/** Whether the patch is looked at any further. */
function checkProxyVersion(expression: string, check: Check): boolean {
  if (expression === "") return true;
  if (expression.length > maxProxyVersionLength) {
    check.warning(`has more than ${maxProxyVersionLength} characters and is left out`);
    return true;
  }
  const fault = expressionFault(expression);
  check.refuse(fault);
  return fault === undefined;
}

const listenerObjects: ReadonlySet<string> = new Set(["LISTENER", "FILTER_CHAIN", "NETWORK_FILTER", "HTTP_FILTER"]);
const routeObjects: ReadonlySet<string> = new Set(["ROUTE_CONFIGURATION", "VIRTUAL_HOST", "HTTP_ROUTE"]);

/** Whether the patch is looked at any further. */
function checkObjectMatch({ match }: ConfigPatch, applyTo: string, check: Check): boolean {
  if (match === undefined) return true;
  const { listener, routeConfiguration, cluster } = match;
  if (match.context === "WAYPOINT") return true;
  if (listener === undefined && routeConfiguration === undefined && cluster === undefined) return true;
  if (listenerObjects.has(applyTo)) {
    if (listener !== undefined)
      return checkFilterMatch(listener.filterChain?.filter, applyTo, check.at("listener", "filterChain", "filter"));
    check.error(`${applyTo} is matched by listener`, "write match.listener");
    return false;
  }
  if (routeObjects.has(applyTo)) {
    if (routeConfiguration === undefined) check.error(`${applyTo} is matched by routeConfiguration`, "write match.routeConfiguration");
  } else if (applyTo === "CLUSTER" && cluster === undefined) {
    check.error("CLUSTER is matched by cluster", "write match.cluster");
  }
  return true;
}

interface FilterMatch {
  readonly name?: string | undefined;
  readonly subFilter?: { readonly name?: string | undefined } | undefined;
}

function checkFilterMatch(filter: FilterMatch | undefined, applyTo: string, check: Check): boolean {
  if (filter === undefined) return true;
  if (applyTo === "LISTENER" || applyTo === "FILTER_CHAIN") check.warning(`has no effect with applyTo: ${applyTo}`);
  const { name = "", subFilter } = filter;
  const fault = filterFault(filter, applyTo);
  if (fault !== undefined) {
    check.error(fault);
    return false;
  }
  warnOldName(name, check.at("name"));
  warnOldName(subFilter?.name ?? "", check.at("subFilter", "name"));
  return true;
}

function filterFault({ name = "", subFilter }: FilterMatch, applyTo: string): string | undefined {
  if (name === "") return "needs the filter's name";
  if (subFilter === undefined) return undefined;
  if (applyTo !== "HTTP_FILTER") return "subFilter is for applyTo: HTTP_FILTER alone";
  if (name !== connectionManager && name !== "envoy.http_connection_manager") return `HTTP filters stand in ${connectionManager}: name it`;
  return (subFilter.name ?? "") === "" ? "subFilter needs the filter's name" : undefined;
}

function warnOldName(name: string, check: Check): void {
  const today = Object.hasOwn(newFilterName, name) ? newFilterName[name] : undefined;
  if (today !== undefined) check.warning(`${name} is a name of old`, `use ${today}`);
}
