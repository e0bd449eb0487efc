// Istio's rules for a Telemetry.
import { celFault } from "./cel-syntax.ts";
import type { AccessLogging, Metrics, TelemetrySpec, Tracing } from "#api/telemetry";
import { checkPolicySelection } from "#api/validation/selector-rules";
import type { Check } from "#api/validation/violations";

export function validateTelemetry(spec: TelemetrySpec, check: Check): void {
  checkPolicySelection(spec, check);
  const { tracing = [], metrics = [], accessLogging = [] } = spec;
  if (tracing.length > 1) check.at("tracing").warning("only the first entry counts");
  for (const [index, entry] of tracing.entries()) checkTracing(entry, check.at("tracing", index));
  for (const [index, entry] of metrics.entries()) checkMetrics(entry, check.at("metrics", index));
  for (const [index, entry] of accessLogging.entries()) checkAccessLogging(entry, check.at("accessLogging", index));
}

function checkTracing(tracing: Tracing, check: Check): void {
  if ((tracing.providers ?? []).length > 1) check.at("providers").warning("only the first provider counts");
  for (const [name, tag] of Object.entries(tracing.customTags ?? {})) {
    if (name === "") check.at("customTags").error("a tag's name must not be empty");
    const { literal, environment, header, formatter } = tag;
    if ([literal, environment, header, formatter].every((kind) => kind === undefined)) {
      check.at("customTags", name).warning("says not where its value comes from", "add literal, environment, header or formatter");
    }
  }
}

function checkMetrics(metrics: Metrics, check: Check): void {
  for (const [index, override] of (metrics.overrides ?? []).entries()) {
    for (const [name, { operation = "UPSERT", value = "" }] of Object.entries(override.tagOverrides ?? {})) {
      const at = check.at("overrides", index, "tagOverrides", name);
      if (name === "") at.warning("a tag's name should not be empty");
      if (operation === "UPSERT" && value === "") at.at("value").error("UPSERT needs a value");
      if (operation === "REMOVE" && value !== "") at.at("value").error("REMOVE takes no value", "remove it, or use UPSERT");
    }
  }
}

function checkAccessLogging(logging: AccessLogging, check: Check): void {
  if (logging.filter === undefined) return;
  const fault = celFault(logging.filter.expression ?? "");
  check.at("filter", "expression").refuse(fault === undefined ? undefined : `is no CEL expression: ${fault}`);
}
