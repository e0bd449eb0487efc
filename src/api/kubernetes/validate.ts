// Kubernetes' rules for its own kinds, as far as they decide what analysis makes of an object. What they quote is never a secret.
import type { Check } from "#api/validation/violations";
import type { WrittenSecret } from "./core.ts";
import type { Container, Resources } from "./container.ts";
import type { PodSpec, PodTemplate } from "./pod.ts";
import type { CronJobSpec, DeploymentSpec, JobSpec } from "./workload.ts";
import { checkLabelSelector } from "./label-selector.ts";

export function nothingToCheck(): void {}

const dnsLabel = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/u;

export function validatePod(spec: PodSpec, check: Check): void {
  const names = new Set<string>();
  for (const field of ["initContainers", "containers", "ephemeralContainers"] as const) {
    for (const [index, container] of (spec[field] ?? []).entries()) {
      const at = check.at(field, index);
      checkContainer(container, at);
      if (names.has(container.name)) at.at("name").error(`${JSON.stringify(container.name)} is the name of two containers`);
      names.add(container.name);
    }
  }
  checkResources(spec.resources, check.at("resources"));
}

function checkContainer(container: Container, check: Check): void {
  if (!dnsLabel.test(container.name)) {
    check.at("name").error(`${JSON.stringify(container.name)} is no name of a container`, "use lower-case letters, digits and -");
  }
  checkResources(container.resources, check.at("resources"));
}

const quantity = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+|[numkMGTPE]|[KMGTPE]i)?$/u;

function checkResources(resources: Resources | undefined, check: Check): void {
  for (const kind of ["limits", "requests"] as const) {
    for (const [name, amount] of Object.entries(resources?.[kind] ?? {})) {
      const valid = typeof amount === "number" || (typeof amount === "string" && quantity.test(amount));
      if (!valid) check.at(kind, name).error(`${JSON.stringify(amount)} is no amount`, "write it like 100m, 0.5, 64Mi or 1G");
    }
  }
}

function checkTemplate(template: PodTemplate | undefined, check: Check): void {
  if (template?.spec !== undefined) validatePod(template.spec, check.at("spec"));
}

export function validateDeployment(
  spec: Pick<DeploymentSpec, "selector"> & { readonly template?: PodTemplate | undefined },
  check: Check,
): void {
  checkLabelSelector(spec.selector, "error", check.at("selector"));
  checkTemplate(spec.template, check.at("template"));
}

export function validateReplicationController(spec: { readonly template?: PodTemplate | undefined }, check: Check): void {
  checkTemplate(spec.template, check.at("template"));
}

export function validateCronJob(spec: CronJobSpec, check: Check): void {
  const job: JobSpec | undefined = spec.jobTemplate.spec;
  if (job !== undefined) validateDeployment(job, check.at("jobTemplate", "spec"));
}

const base64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/u;

export function validateSecret(spec: WrittenSecret, check: Check): void {
  for (const field of ["data", "stringData"] as const) {
    for (const [name, value] of Object.entries(spec[field] ?? {})) {
      const at = check.at(field, name);
      if (typeof value !== "string")
        at.error(`must be a string, is a ${Array.isArray(value) ? "list" : typeof value}`, "write it in quotes");
      else if (field === "data" && !base64.test(value)) at.error("is not base64", "write plain text into stringData");
    }
  }
}
