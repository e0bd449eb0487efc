// What does not fit together: names that lead nowhere, subsets that nobody defines, hosts and ports that two objects want, what
// cannot work yet. Pure, over one snapshot and with its own lookups, so that a finding means what the proxies will do.
// Findings name object and field; the store knows the place.
import type { ClientTLSSettings, DestinationRuleSpec, TrafficPolicy } from "#api/destination-rule";
import type { Finding, FindingLevel } from "#api/finding";
import type { GatewaySpec } from "#api/gateway";
import { keyOf, type ApiObject } from "#api/object";
import type { Destination, VirtualServiceSpec } from "#api/virtual-service";
import type { ObjectSet } from "#control-plane/config/object-set";
import { labelsText, selects, type Labels } from "#control-plane/registry/labels";
import { fullHost, hostsOverlap, isHostWithin, isWildcard } from "./host.ts";
import type { Mesh, ProxyView, ResolvedVirtualService } from "./mesh.ts";
import type { ProxyNode } from "./proxy.ts";
import { MESH_GATEWAY, resolveVirtualService } from "./resolve-virtual-service.ts";

export interface ReferenceInputs {
  readonly mesh: Mesh;
  readonly objects: ObjectSet;
  readonly domain: string;
  /** Labels of the gateway proxies that run or will: what a Gateway's selector may find. */
  readonly gatewayLabels: readonly Labels[];
}

export function referenceFindings(inputs: ReferenceInputs): readonly Finding[] {
  const check = new ReferenceCheck(inputs);
  for (const object of inputs.objects.list<VirtualServiceSpec>("VirtualService")) check.virtualService(object);
  for (const object of inputs.objects.list<DestinationRuleSpec>("DestinationRule")) check.destinationRule(object);
  for (const object of inputs.objects.list<GatewaySpec>("Gateway")) check.gateway(object);
  return check.findings;
}

class ReferenceCheck {
  readonly findings: Finding[] = [];
  #inputs: ReferenceInputs;
  #views = new Map<string, ProxyView>();
  /** Hosts of ServiceEntries: known, so no reference to them is wrong. */
  #entryHosts: readonly string[];

  constructor(inputs: ReferenceInputs) {
    this.#inputs = inputs;
    this.#entryHosts = inputs.objects.list<{ readonly hosts?: unknown } | undefined>("ServiceEntry").flatMap(({ spec }) => {
      const hosts = spec?.hosts;
      return Array.isArray(hosts) ? hosts.filter((host) => typeof host === "string") : [];
    });
  }

  virtualService(object: ApiObject<VirtualServiceSpec>): void {
    const resolved = resolveVirtualService(object, this.#inputs.domain);
    for (const [index, gateway] of resolved.gateways.entries()) {
      if (gateway === MESH_GATEWAY) continue;
      const [namespace = "", name = ""] = gateway.split("/");
      if (this.#inputs.objects.get("Gateway", namespace, name) !== undefined) continue;
      this.#missing(
        object,
        `spec.gateways[${index}]`,
        "error",
        "gateway",
        gateway,
        `add a Gateway of that name to namespace ${namespace}, or correct the name`,
      );
    }
    for (const { destination, field } of destinationsOf(resolved)) this.#destination(object, resolved, destination, field);
  }

  destinationRule(object: ApiObject<DestinationRuleSpec>): void {
    const { spec } = object;
    const { namespace } = object.metadata;
    const host = fullHost(spec.host, namespace, this.#inputs.domain);
    if (!this.#isKnownHost(host, namespace)) {
      this.#missing(object, "spec.host", "warning", "host", spec.host, this.#hostHint(host, namespace));
    }
    if (this.#inputs.mesh.hasCertificateAuthority) return;
    for (const { tls, field } of tlsSettingsOf(spec)) {
      if (tls.mode !== "ISTIO_MUTUAL") continue;
      this.findings.push({
        level: "error",
        code: "MZ0005",
        message: `ISTIO_MUTUAL needs a certificate authority, which this mesh does not have: requests for ${host} are answered with 503`,
        object: keyOf(object),
        field: `${field}.mode`,
        hint: "remove the tls block, or use mode DISABLE, to send plain HTTP between the workloads",
      });
    }
  }

  gateway(object: ApiObject<GatewaySpec>): void {
    const selector = object.spec.selector ?? {};
    if (this.#inputs.gatewayLabels.some((labels) => selects(selector, labels))) return;
    const running = this.#inputs.gatewayLabels.map(labelsText).join(" or ");
    const hint = running === "" ? "no gateway runs" : `the gateway that runs bears ${running}`;
    this.#missing(object, "spec.selector", "error", "selector", labelsText(selector), hint);
  }

  #destination(object: ApiObject, resolved: ResolvedVirtualService, destination: Destination, field: string): void {
    const { namespace } = object.metadata;
    if (!this.#isKnownHost(destination.host, namespace)) {
      this.#missing(object, `${field}.host`, "error", "host", destination.host, this.#hostHint(destination.host, namespace));
      return;
    }
    const service = this.#view(namespace).service(destination.host);
    const port = destination.port?.number;
    if (service !== undefined && port !== undefined && !service.ports.some((candidate) => candidate.number === port)) {
      const ports = service.ports.map((candidate) => candidate.number).join(", ");
      this.#missing(object, `${field}.port.number`, "error", "host:port", `${destination.host}:${port}`, `the service has port ${ports}`);
    }
    if (destination.subset === undefined || destination.subset === "") return;
    // Routes of a gateway are looked up from the gateway's namespace, those of sidecars from the callers'.
    const callers = new Set([
      namespace,
      ...resolved.gateways.filter((gateway) => gateway !== MESH_GATEWAY).map((gateway) => gateway.split("/")[0] ?? ""),
    ]);
    const subsets = [...callers].flatMap((caller) => this.#view(caller).destinationRule(destination.host)?.spec.subsets ?? []);
    if (subsets.some((subset) => subset.name === destination.subset)) return;
    const names = [...new Set(subsets.map((subset) => subset.name))].join(", ");
    const hint =
      names === "" ? "add a DestinationRule for the host that defines the subset" : `the host's DestinationRule defines ${names}`;
    this.#missing(object, `${field}.subset`, "error", "host+subset in destinationrule", `${destination.host}+${destination.subset}`, hint);
  }

  #isKnownHost(host: string, namespace: string): boolean {
    const view = this.#view(namespace);
    if (view.service(host) !== undefined) return true;
    if (this.#entryHosts.some((known) => known === host || isHostWithin(host, known) || (isWildcard(host) && hostsOverlap(host, known))))
      return true;
    return isWildcard(host) && view.services.some((service) => isHostWithin(service.hostname, host));
  }

  #hostHint(host: string, namespace: string): string {
    const { mesh, domain } = this.#inputs;
    const elsewhere = mesh.service(host);
    if (elsewhere !== undefined) return `the service is not exported to namespace ${namespace}`;
    // `reviews.default` is complete for DNS and not for Istio.
    if (mesh.service(`${host}.svc.${domain}`) !== undefined) return `did you mean "${host}.svc.${domain}"?`;
    const name = host.split(".")[0];
    const sameName = mesh.services.find((service) => service.name === name);
    if (sameName !== undefined) return `did you mean "${sameName.hostname}"?`;
    return host.endsWith(`.svc.${domain}`)
      ? "add a Service of that name, or correct the name"
      : "a host outside the mesh needs a ServiceEntry, which has no effect yet";
  }

  #missing(object: ApiObject, field: string, level: FindingLevel, what: string, value: string, hint: string): void {
    this.findings.push({ level, code: "IST0101", message: `referenced ${what} not found: "${value}"`, object: keyOf(object), field, hint });
  }

  #view(namespace: string): ProxyView {
    let view = this.#views.get(namespace);
    if (view === undefined) this.#views.set(namespace, (view = this.#inputs.mesh.view(observer(namespace))));
    return view;
  }
}

/** A proxy that is not there: sees what its namespace sees. */
function observer(namespace: string): ProxyNode {
  return {
    id: "",
    type: "sidecar",
    name: "",
    namespace,
    ipAddresses: [],
    dnsDomain: "",
    labels: {},
    serviceAccount: "",
    interceptionMode: "NONE",
    version: "",
    announcedIngress: [],
    httpProxy: undefined,
    gatewayBindAddresses: [],
    extensions: new Set(),
  };
}

function* destinationsOf({ spec }: ResolvedVirtualService): Iterable<{ readonly destination: Destination; readonly field: string }> {
  for (const [index, route] of (spec.http ?? []).entries()) {
    const at = `spec.http[${index}]`;
    for (const [number, { destination }] of (route.route ?? []).entries()) {
      if (destination !== undefined) yield { destination, field: `${at}.route[${number}].destination` };
    }
    if (route.mirror !== undefined) yield { destination: route.mirror, field: `${at}.mirror` };
    for (const [number, { destination }] of (route.mirrors ?? []).entries()) {
      if (destination !== undefined) yield { destination, field: `${at}.mirrors[${number}].destination` };
    }
  }
  for (const protocol of ["tcp", "tls"] as const) {
    for (const [index, route] of (spec[protocol] ?? []).entries()) {
      for (const [number, { destination }] of (route.route ?? []).entries()) {
        if (destination !== undefined) yield { destination, field: `spec.${protocol}[${index}].route[${number}].destination` };
      }
    }
  }
}

function* tlsSettingsOf(spec: DestinationRuleSpec): Iterable<{ readonly tls: ClientTLSSettings; readonly field: string }> {
  const policies: [TrafficPolicy | undefined, string][] = [[spec.trafficPolicy, "spec.trafficPolicy"]];
  for (const [index, subset] of (spec.subsets ?? []).entries())
    policies.push([subset.trafficPolicy, `spec.subsets[${index}].trafficPolicy`]);
  for (const [policy, field] of policies) {
    if (policy?.tls !== undefined) yield { tls: policy.tls, field: `${field}.tls` };
    for (const [index, port] of (policy?.portLevelSettings ?? []).entries()) {
      if (port.tls !== undefined) yield { tls: port.tls, field: `${field}.portLevelSettings[${index}].tls` };
    }
  }
}
