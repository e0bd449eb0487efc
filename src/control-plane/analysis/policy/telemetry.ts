// Telemetries: which of them counts for a workload must be clear, and their providers must be there.
import type { MeshConfigSpec } from "#api/mesh-config";
import type { Analyzer } from "#control-plane/analysis/analyzer";
import type { ObjectOf } from "#control-plane/analysis/analyzed-object";
import { MESSAGES } from "#control-plane/analysis/messages";
import { selectorField, selectorText } from "#control-plane/analysis/selector";
import { labelsOf } from "#control-plane/analysis/specs";
import { LabelIndex } from "#control-plane/registry/labels";

type Telemetry = ObjectOf<"Telemetry">;

export const telemetryDefaultSelectorAnalyzer: Analyzer = {
  name: "telemetry.DefaultSelectorAnalyzer",
  description: "At most one Telemetry of a namespace has no selector",
  inputs: ["Telemetry"],
  analyze: ({ objects, report }) => {
    const byNamespace = Map.groupBy(
      objects.list("Telemetry").filter(({ spec }) => spec.selector === undefined),
      ({ key }) => key.namespace,
    );
    for (const [namespace, telemetries] of byNamespace) {
      if (telemetries.length < 2) continue;
      const names = namesOf(telemetries);
      for (const telemetry of telemetries) report(telemetry, MESSAGES.MultipleTelemetriesWithoutWorkloadSelectors, [names, namespace]);
    }
  },
};

export const telemetrySelectorAnalyzer: Analyzer = {
  name: "telemetry.SelectorAnalyzer",
  description: "Selectors of Telemetries select workloads, and no two of them the same one",
  inputs: ["Telemetry", "Pod"],
  needs: ["Pod"],
  analyze: ({ objects, report }) => {
    const index = new LabelIndex(
      objects.list("Pod"),
      (pod) => pod.key.namespace,
      (pod) => pod.labels,
    );
    const byPod = new Map<ObjectOf<"Pod">, Telemetry[]>();
    for (const telemetry of objects.list("Telemetry")) {
      const selector = labelsOf(telemetry.spec.selector?.matchLabels);
      if (Object.keys(selector).length === 0) continue;
      const pods = index.select(telemetry.key.namespace, selector);
      if (pods.length === 0) {
        const where = { field: selectorField(selector, "spec.selector.matchLabels") };
        report(telemetry, MESSAGES.ReferencedResourceNotFound, ["selector", selectorText(selector)], where);
      }
      for (const pod of pods) {
        const list = byPod.get(pod);
        if (list === undefined) byPod.set(pod, [telemetry]);
        else list.push(telemetry);
      }
    }
    for (const [pod, telemetries] of byPod) {
      if (telemetries.length < 2) continue;
      const names = namesOf(telemetries);
      for (const telemetry of telemetries) {
        report(telemetry, MESSAGES.ConflictingTelemetryWorkloadSelectors, [names, pod.key.namespace, pod.key.name]);
      }
    }
  },
};

export const telemetryProviderAnalyzer: Analyzer = {
  name: "telemetry.ProviderAnalyzer",
  description: "Telemetries for access logs name a provider where the mesh has no default one",
  inputs: ["Telemetry", "MeshConfig"],
  analyze: ({ objects, meshConfig, report }) => {
    if ((meshConfig.defaultProviders?.accessLogging ?? []).length > 0) return;
    for (const telemetry of objects.list("Telemetry")) {
      for (const [index, logging] of (telemetry.spec.accessLogging ?? []).entries()) {
        if (logging?.disabled === true || (logging?.providers ?? []).length > 0) continue;
        const { name, namespace } = telemetry.key;
        const where = { near: `spec.accessLogging[${index}]`, hint: "add providers: [{name: envoy}]" };
        report(telemetry, MESSAGES.InvalidTelemetryProvider, [name, namespace], where);
      }
    }
  },
};

export const telemetryLightstepAnalyzer: Analyzer = {
  name: "telemetry.LightstepAnalyzer",
  description: "Telemetries no longer use the provider Lightstep",
  inputs: ["Telemetry", "MeshConfig"],
  analyze: ({ objects, meshConfig, report }) => {
    const lightstep = lightstepProviders(meshConfig);
    if (lightstep.size === 0) return;
    for (const telemetry of objects.list("Telemetry")) {
      for (const [index, tracing] of (telemetry.spec.tracing ?? []).entries()) {
        for (const provider of tracing?.providers ?? []) {
          const name = provider?.name ?? "";
          if (!lightstep.has(name)) continue;
          const detail = `the Lightstep provider ${name} is going away`;
          report(telemetry, MESSAGES.Deprecated, [detail], {
            near: `spec.tracing[${index}].providers`,
            hint: "use an OpenTelemetry provider",
          });
        }
      }
    }
  },
};

function lightstepProviders(meshConfig: MeshConfigSpec): ReadonlySet<string> {
  return new Set(
    (meshConfig.extensionProviders ?? []).filter((provider) => provider.lightstep !== undefined).map((provider) => provider.name ?? ""),
  );
}

function namesOf(telemetries: readonly Telemetry[]): readonly string[] {
  return telemetries.map(({ key }) => key.name).toSorted();
}
