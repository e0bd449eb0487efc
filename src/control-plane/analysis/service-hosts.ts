// Which hosts the Services and ServiceEntries of the analyzed objects define, and for whom: what destinations may name.
import { didYouMean } from "#api/suggestion";
import { hostsOverlap, HostTable, isWildcard } from "#control-plane/mesh/host";
import type { Labels } from "#control-plane/registry/labels";
import type { ObjectTable } from "./object-table.ts";
import { labelsOf } from "./specs.ts";

const DOMAIN = "cluster.local";
const EVERYBODY = "*";
/** Beyond this many names a misspelt one is not compared with them all. */
const MAX_COMPARED = 1_000;
const EXPORT_TO_ANNOTATION = "networking.istio.io/exportTo";

export interface KnownHost {
  readonly host: string;
  readonly ports: readonly number[];
  /** The labels that a ServiceEntry's workloads bear; empty for a Service. */
  readonly workloadLabels: Labels;
  /** Labels of endpoints that a ServiceEntry names itself. */
  readonly endpointLabels: readonly Labels[];
}

export class ServiceHosts {
  /** By namespace that sees them, or EVERYBODY. */
  #exact = new Map<string, Map<string, KnownHost>>();
  #wildcards = new Map<string, HostTable<KnownHost>>();
  #byName = new Map<string, KnownHost>();

  constructor(objects: ObjectTable) {
    for (const { key, spec } of objects.list("ServiceEntry")) {
      const ports = (spec.ports ?? []).flatMap((port) => port?.number ?? []);
      const workloadLabels = labelsOf(spec.workloadSelector?.labels);
      const endpointLabels = (spec.endpoints ?? []).map((endpoint) => labelsOf(endpoint?.labels));
      const exportTo = (spec.exportTo ?? []).filter((entry) => entry !== undefined);
      for (const written of spec.hosts ?? []) {
        const host = hostIn(written ?? "", key.namespace);
        for (const scope of scopesOf(exportTo, key.namespace)) this.#add(scope, { host, ports, workloadLabels, endpointLabels });
      }
    }
    for (const { key, spec, annotations } of objects.list("Service")) {
      const exportTo = (annotations[EXPORT_TO_ANNOTATION] ?? "")
        .split(",")
        .map((entry) => entry.trim())
        .filter((entry) => entry !== "");
      const known = {
        // Not fullHost: an empty namespace is a namespace here.
        host: `${key.name}.${key.namespace}.svc.${DOMAIN}`,
        ports: (spec.ports ?? []).flatMap((port) => port?.port ?? []),
        workloadLabels: {},
        endpointLabels: [],
      };
      this.#byName.set(key.name, known);
      for (const scope of exportTo.length === 0 ? [EVERYBODY] : exportTo) this.#add(scope === "." ? key.namespace : scope, known);
    }
  }

  #add(scope: string, known: KnownHost): void {
    let exact = this.#exact.get(scope);
    if (exact === undefined) this.#exact.set(scope, (exact = new Map()));
    exact.set(known.host, known);
    if (!isWildcard(known.host)) return;
    let wildcards = this.#wildcards.get(scope);
    if (wildcards === undefined) this.#wildcards.set(scope, (wildcards = new HostTable()));
    wildcards.set(known.host, known);
  }

  /** What a rule in `namespace` that is exported to `exportTo` means by a host. */
  find(written: string, namespace: string, exportTo: readonly (string | undefined)[]): KnownHost | undefined {
    const host = hostIn(written, namespace);
    const scopes = exportTo.length === 0 ? [namespace] : exportTo.map((entry) => (entry === "." ? namespace : (entry ?? "")));
    for (const scope of [EVERYBODY, ...scopes]) {
      const known = this.#exact.get(scope)?.get(host);
      if (known !== undefined) return known;
    }
    return this.#wildcards.get(EVERYBODY)?.find(written) ?? this.#wildcards.get(namespace)?.find(written);
  }

  /** Whether some host is meant by a wildcard. */
  isKnownWildcard(written: string): boolean {
    if (!isWildcard(written)) return false;
    for (const [, hosts] of this.#exact) for (const host of hosts.keys()) if (hostsOverlap(written, host)) return true;
    return false;
  }

  /** What to do about a host that is not known. */
  hint(written: string, namespace: string): string {
    const host = hostIn(written, namespace);
    for (const [, hosts] of this.#exact) if (hosts.has(host)) return `the service is not exported to namespace ${namespace}`;
    const complete = `${written}.svc.${DOMAIN}`;
    // `reviews.default` is complete for DNS and not for Istio.
    for (const [, hosts] of this.#exact) if (hosts.has(complete)) return `did you mean "${complete}"?`;
    const sameName = this.#byName.get(written.split(".")[0] ?? "");
    if (sameName !== undefined) return `did you mean "${sameName.host}"?`;
    const near = this.#byName.size > MAX_COMPARED ? undefined : didYouMean(written, [...this.#byName.keys()]);
    if (near !== undefined) return near;
    return host.endsWith(`.svc.${DOMAIN}`)
      ? "add a Service of that name, or correct the name"
      : "a host outside the mesh needs a ServiceEntry";
  }
}

/** Not fullHost: objects without a namespace have the empty one, which belongs into the name. */
export function hostIn(host: string, namespace: string): string {
  return host.includes(".") || isWildcard(host) ? host : `${host}.${namespace}.svc.${DOMAIN}`;
}

function scopesOf(exportTo: readonly string[], namespace: string): readonly string[] {
  if (exportTo.length === 0 || exportTo.includes(EVERYBODY)) return [EVERYBODY];
  return exportTo.map((entry) => (entry === "." ? namespace : entry));
}
