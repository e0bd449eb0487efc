// The rules of GRPCRoute, TCPRoute, UDPRoute, TLSRoute and ReferenceGrant that the Gateway API's CRDs say in CEL.
import { isIP } from "node:net";
import type { Check } from "#api/validation/violations";
import type { ConnectionRouteSpec } from "./connection-route.ts";
import { grpcFilterSettings, type GrpcMethodMatch, type GrpcRouteFilter, type GrpcRouteSpec } from "./grpc-route.ts";
import type { ReferenceGrantSpec } from "./reference-grant.ts";
import { checkBackendRef, checkFilters, checkParentRefs, checkRules, checkSessionPersistence } from "./route-rules.ts";

const onceOnly: ReadonlySet<string> = new Set(["RequestHeaderModifier", "ResponseHeaderModifier"]);

export function validateGrpcRoute(spec: GrpcRouteSpec, check: Check): void {
  checkParentRefs(spec.parentRefs ?? [], check.at("parentRefs"));
  const rules = spec.rules ?? [];
  checkRules(rules, (index) => rules[index]?.matches?.length ?? 0, check.at("rules"));
  for (const [index, rule] of rules.entries()) {
    const at = check.at("rules", index);
    for (const [matchIndex, { method }] of (rule.matches ?? []).entries()) checkMethod(method, at.at("matches", matchIndex, "method"));
    checkGrpcFilters(rule.filters ?? [], at.at("filters"));
    for (const [backendIndex, backend] of (rule.backendRefs ?? []).entries()) {
      checkBackendRef(backend, at.at("backendRefs", backendIndex));
      checkGrpcFilters(backend.filters ?? [], at.at("backendRefs", backendIndex, "filters"));
    }
    checkSessionPersistence(rule.sessionPersistence, at.at("sessionPersistence"));
  }
}

function checkGrpcFilters(filters: readonly GrpcRouteFilter[], check: Check): void {
  checkFilters(filters, grpcFilterSettings, onceOnly, check);
}

const serviceName = /^\.?[a-z_][a-z_0-9]*(?:\.[a-z_][a-z_0-9]*)*$/iu;
const methodName = /^[A-Za-z_][A-Za-z_0-9]*$/u;

function checkMethod(match: GrpcMethodMatch | undefined, check: Check): void {
  if (match === undefined) return;
  const { type = "Exact", service, method } = match;
  if (service === undefined && method === undefined) check.error("needs service, method or both");
  if (type !== "Exact") return;
  if (service !== undefined && !serviceName.test(service))
    check.at("service").error(`${JSON.stringify(service)} is no name of a gRPC service`);
  if (method !== undefined && !methodName.test(method)) check.at("method").error(`${JSON.stringify(method)} is no name of a gRPC method`);
}

export function validateConnectionRoute(spec: ConnectionRouteSpec, check: Check): void {
  checkParentRefs(spec.parentRefs ?? [], check.at("parentRefs"));
  checkRules(spec.rules, () => 0, check.at("rules"));
  for (const [index, rule] of spec.rules.entries()) {
    for (const [backendIndex, backend] of rule.backendRefs.entries())
      checkBackendRef(backend, check.at("rules", index, "backendRefs", backendIndex));
  }
}

export function validateTlsRoute(spec: ConnectionRouteSpec & { readonly hostnames?: readonly string[] | undefined }, check: Check): void {
  validateConnectionRoute(spec, check);
  for (const [index, host] of (spec.hostnames ?? []).entries()) {
    if (isIP(host) !== 0) check.at("hostnames", index).error("an IP address is no server name");
  }
}

/** The schema says it all. */
export function validateReferenceGrant(_spec: ReferenceGrantSpec, _check: Check): void {}
