// The rules of BackendTLSPolicy, XBackendTrafficPolicy and XBackend that the Gateway API's CRDs say in CEL.
import type { Check } from "#api/validation/violations";
import type { BackendTlsPolicySpec, BackendTlsValidation, XBackendSpec, XBackendTrafficPolicySpec } from "./backend-policy.ts";
import { checkSessionPersistence } from "./route-rules.ts";

export function validateBackendTlsPolicy(spec: BackendTlsPolicySpec, check: Check): void {
  const sections = new Map<string, Set<string>>();
  for (const [index, { group, kind, name, sectionName = "" }] of spec.targetRefs.entries()) {
    const at = check.at("targetRefs", index);
    const target = `${group}|${kind}|${name}`;
    const others = sections.get(target) ?? new Set();
    if (others.has(sectionName)) at.error(`${kind} ${name} is named twice with the same sectionName`, "remove one of them");
    else if (others.size > 0 && (others.has("") || sectionName === "")) {
      at.error(`${kind} ${name} is named twice: then every reference must name a sectionName`);
    }
    sections.set(target, others.add(sectionName));
  }
  checkTlsValidation(spec.validation, check.at("validation"));
}

function checkTlsValidation(validation: BackendTlsValidation, check: Check): void {
  const references = (validation.caCertificateRefs ?? []).length > 0;
  const wellKnown = validation.wellKnownCACertificates !== undefined;
  if (references && wellKnown) check.at("wellKnownCACertificates").error("cannot stand beside caCertificateRefs");
  if (!references && !wellKnown) check.error("needs caCertificateRefs or wellKnownCACertificates", "add wellKnownCACertificates: System");
  for (const [index, { type, hostname, uri }] of (validation.subjectAltNames ?? []).entries()) {
    const at = check.at("subjectAltNames", index);
    if (type === "Hostname" && hostname === undefined) at.error("type Hostname needs hostname");
    if (type === "URI" && uri === undefined) at.error("type URI needs uri");
    if (type !== "Hostname" && hostname !== undefined) at.at("hostname").error("belongs to type Hostname");
    if (type !== "URI" && uri !== undefined) at.at("uri").error("belongs to type URI");
  }
}

const secondMs = 1000;
const hourMs = 3_600_000;

export function validateXBackendTrafficPolicy(spec: XBackendTrafficPolicySpec, check: Check): void {
  const { budget, minRetryRate } = spec.retryConstraint ?? {};
  const retry = check.at("retryConstraint");
  if (budget?.interval !== undefined && (budget.interval < secondMs || budget.interval > hourMs)) {
    retry.at("budget", "interval").error("must be between 1s and 1h");
  }
  if (minRetryRate?.interval !== undefined && (minRetryRate.interval === 0 || minRetryRate.interval > hourMs)) {
    retry.at("minRetryRate", "interval").error("must be more than 0s and at most 1h");
  }
  checkSessionPersistence(spec.sessionPersistence, check.at("sessionPersistence"));
}

const portName = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/u;

export function validateXBackend(spec: XBackendSpec, check: Check): void {
  const fields = { ExternalHostname: "externalHostname", EndpointSelector: "endpointSelector" } as const;
  for (const type of ["ExternalHostname", "EndpointSelector"] as const) {
    const name = fields[type];
    if (spec.type === type && spec[name] === undefined) check.error(`type ${type} needs ${name}`);
    if (spec.type !== type && spec[name] !== undefined) check.at(name).error(`belongs to type ${type}, the type is ${spec.type}`);
  }
  if (spec.externalHostname?.hostname.endsWith(".cluster.local") === true) {
    check.at("externalHostname", "hostname").error("a name of the cluster is not outside of it");
  }
  const { name } = spec.port;
  if (name !== undefined && name !== "" && !portName.test(name)) check.at("port", "name").error(`${JSON.stringify(name)} is no DNS label`);
  const { protocol, tls } = spec;
  // Refused by later versions of the CRD than the released one.
  if (protocol === "H2C" && tls !== undefined) check.at("tls").warning("H2C is HTTP/2 without TLS", "use protocol HTTP2");
  if ((protocol === "HTTP2" || protocol === "WSS") && tls === undefined) {
    check.warning(`protocol ${protocol} needs tls`, protocol === "HTTP2" ? "use protocol H2C without TLS" : undefined);
  }
  if (tls === undefined) return;
  if ((tls.mode === "ClientAndServer") !== (tls.clientCertificateRef !== undefined)) {
    check.at("tls").error("clientCertificateRef belongs to mode ClientAndServer, and is needed there");
  }
  if (tls.validation !== undefined) checkTlsValidation(tls.validation, check.at("tls", "validation"));
}
