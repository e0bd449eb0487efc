// A ServiceEntry as services of the mesh: one for each of its hosts.
import { isIP } from "node:net";
import { keyOf, type ApiObject } from "#api/object";
import type { ServiceEntrySpec } from "#api/service-entry";
import { listOf, recordOf } from "./pod-instances.ts";
import { cappedExportTo, type EntryVisibility } from "./service-entry-visibility.ts";
import { parseProtocol } from "./protocol.ts";
import type { Resolution, Service, ServicePort } from "./service.ts";
import { TRAFFIC_DISTRIBUTION_ANNOTATION } from "./kubernetes-service.ts";

const RESOLUTIONS: Readonly<Record<NonNullable<ServiceEntrySpec["resolution"]>, Resolution>> = {
  NONE: "NONE",
  STATIC: "EDS",
  DNS: "DNS",
  DNS_ROUND_ROBIN: "DNS_ROUND_ROBIN",
  DYNAMIC_DNS: "DYNAMIC_DNS",
};
const NO_ALLOCATION_LABEL = "networking.istio.io/enable-autoallocate-ip";

type ServiceEntry = ApiObject<ServiceEntrySpec>;

export interface ServiceEntrySurroundings {
  /** The addresses of hosts that declare none. */
  readonly allocated: ReadonlyMap<string, readonly string[]>;
  /** Of the namespace that it stands in. */
  readonly namespaceAnnotations: Readonly<Record<string, string>>;
  readonly visibility: EntryVisibility;
}

export function fromServiceEntry(
  entry: ServiceEntry,
  { allocated, namespaceAnnotations, visibility }: ServiceEntrySurroundings,
): readonly Service[] {
  const { metadata, spec } = entry;
  const ports = (spec.ports ?? []).map((port): ServicePort => ({
    name: port.name,
    number: port.number,
    protocol: parseProtocol(port.protocol ?? ""),
    targetPort: port.targetPort || port.number,
  }));
  const addresses = (spec.addresses ?? []).map(plainAddress);
  const given = addressesInStatus(entry);
  const selector = spec.workloadSelector?.labels;
  return (spec.hosts ?? []).map((hostname): Service => ({
    hostname,
    name: hostname,
    namespace: metadata.namespace,
    ports,
    addresses,
    autoAllocatedAddresses: given.get(hostname) ?? allocated.get(`${metadata.namespace}/${hostname}`) ?? [],
    resolution: RESOLUTIONS[spec.resolution ?? "NONE"],
    alias: undefined,
    headless: false,
    selector,
    labels: metadata.labels,
    creationTimestamp: metadata.creationTimestamp,
    exportTo: cappedExportTo(spec.exportTo ?? [], metadata.namespace, visibility),
    source: "ServiceEntry",
    object: keyOf(entry),
    aliases: [],
    external: (spec.location ?? "MESH_EXTERNAL") === "MESH_EXTERNAL",
    trafficDistribution: metadata.annotations[TRAFFIC_DISTRIBUTION_ANNOTATION] ?? namespaceAnnotations[TRAFFIC_DISTRIBUTION_ANNOTATION],
    nodeLocal: false,
    publishNotReadyAddresses: false,
    subjectAltNames: spec.subjectAltNames ?? [],
    serviceAccounts: [],
  }));
}

/** Not with resolution NONE, where the caller's address is the destination. */
function mayBeGivenAddresses({ metadata, spec }: ServiceEntry): boolean {
  if ((spec.addresses ?? []).length > 0 || (spec.resolution ?? "NONE") === "NONE") return false;
  return metadata.labels[NO_ALLOCATION_LABEL]?.toLowerCase() !== "false";
}

/** The hosts that need an address, as `namespace/host`; a wildcard is no name that somebody could look up. */
export function hostsWithoutAddress(entry: ServiceEntry): readonly string[] {
  if (!mayBeGivenAddresses(entry)) return [];
  const { metadata, spec } = entry;
  const given = addressesInStatus(entry);
  return (spec.hosts ?? []).filter((host) => !host.startsWith("*") && !given.has(host)).map((host) => `${metadata.namespace}/${host}`);
}

/** What istiod's own allocation, where it runs beside, has written into the status. */
function addressesInStatus(entry: ServiceEntry): ReadonlyMap<string, readonly string[]> {
  const result = new Map<string, readonly string[]>();
  if (entry.status === undefined || !mayBeGivenAddresses(entry)) return result;
  for (const written of listOf(recordOf(entry.status)["addresses"])) {
    const { value, host } = recordOf(written);
    if (typeof value !== "string" || isIP(value) === 0 || typeof host !== "string") continue;
    result.set(host, [...(result.get(host) ?? []), value]);
  }
  return result;
}

/** `10.0.0.1/32` is one address, not a network. */
function plainAddress(address: string): string {
  const [ip = "", bits] = address.split("/");
  return (bits === "32" && isIP(ip) === 4) || (bits === "128" && isIP(ip) === 6) ? ip : address;
}
