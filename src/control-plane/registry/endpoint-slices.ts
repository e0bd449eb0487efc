// Where the instances of Kubernetes' Services are: EndpointSlices, and Endpoints for a Service that has no slice (in a cluster Kubernetes
// mirrors them into slices).
import type { EndpointSliceSpec, EndpointsSpec } from "#api/kubernetes/endpoints";
import type { ApiObject } from "#api/object";
import type { ObjectSet } from "#control-plane/config/object-set";
import { Memo, sameOr } from "./memo.ts";
import type { HealthStatus } from "./service.ts";

const SERVICE_NAME_LABEL = "kubernetes.io/service-name";

/** One address in a slice. */
export interface SliceEndpoint {
  readonly address: string;
  readonly health: HealthStatus;
  readonly nodeName: string;
  readonly hostname: string;
  /** `namespace/name`; undefined: no pod stands behind it. */
  readonly pod: string | undefined;
}

export interface EndpointList {
  /** By the name of the Service's port. */
  readonly ports: readonly { readonly name: string; readonly port: number }[];
  readonly endpoints: readonly SliceEndpoint[];
}

const slices = new Memo<EndpointList>();
const mirrored = new Memo<readonly EndpointList[]>();

/** By `namespace/name` of the Service. What did not change since `before` is the same list. */
export function endpointLists(
  objects: ObjectSet,
  before?: ReadonlyMap<string, readonly EndpointList[]>,
): ReadonlyMap<string, readonly EndpointList[]> {
  const made = madeLists(objects);
  if (before === undefined) return made;
  const result = new Map<string, readonly EndpointList[]>();
  for (const [key, lists] of made) result.set(key, sameOr(before.get(key), lists));
  return result;
}

function madeLists(objects: ObjectSet): ReadonlyMap<string, readonly EndpointList[]> {
  const result = new Map<string, EndpointList[]>();
  for (const slice of objects.list<EndpointSliceSpec>("EndpointSlice")) {
    const service = slice.metadata.labels[SERVICE_NAME_LABEL];
    // Istio has no use for names in slices, nor have we.
    if (service === undefined || slice.spec.addressType === "FQDN") continue;
    const key = `${slice.metadata.namespace}/${service}`;
    const list = slices.get(slice, "", () => fromSlice(slice));
    const lists = result.get(key);
    if (lists === undefined) result.set(key, [list]);
    else lists.push(list);
  }
  for (const endpoints of objects.list<EndpointsSpec>("Endpoints")) {
    const key = `${endpoints.metadata.namespace}/${endpoints.metadata.name}`;
    if (!result.has(key)) result.set(key, [...mirrored.get(endpoints, "", () => fromEndpoints(endpoints))]);
  }
  return result;
}

function fromSlice({ metadata, spec }: ApiObject<EndpointSliceSpec>): EndpointList {
  return {
    ports: (spec.ports ?? []).flatMap(({ name, port }) => (port === undefined ? [] : [{ name: name ?? "", port }])),
    endpoints: (spec.endpoints ?? []).flatMap((endpoint) =>
      endpoint.addresses.map((address) => ({
        address,
        health: healthOf(endpoint.conditions ?? {}),
        nodeName: endpoint.nodeName ?? "",
        hostname: endpoint.hostname ?? "",
        pod: podOf(endpoint.targetRef, metadata.namespace),
      })),
    ),
  };
}

/** A condition that is not written counts as true, as Kubernetes says; one that is going but still serves is draining. */
function healthOf(conditions: {
  readonly ready?: boolean | undefined;
  readonly serving?: boolean | undefined;
  readonly terminating?: boolean | undefined;
}): HealthStatus {
  if (conditions.ready ?? true) return "HEALTHY";
  return (conditions.serving ?? true) && (conditions.terminating ?? true) ? "DRAINING" : "UNHEALTHY";
}

function fromEndpoints({ metadata, spec }: ApiObject<EndpointsSpec>): readonly EndpointList[] {
  return (spec.subsets ?? []).map((subset) => {
    const at = (addresses: typeof subset.addresses, health: HealthStatus): readonly SliceEndpoint[] =>
      (addresses ?? []).map((address) => ({
        address: address.ip,
        health,
        nodeName: address.nodeName ?? "",
        hostname: address.hostname ?? "",
        pod: podOf(address.targetRef, metadata.namespace),
      }));
    return {
      ports: (subset.ports ?? []).map(({ name, port }) => ({ name: name ?? "", port })),
      endpoints: [...at(subset.addresses, "HEALTHY"), ...at(subset.notReadyAddresses, "UNHEALTHY")],
    };
  });
}

function podOf(
  reference:
    | { readonly kind?: string | undefined; readonly name?: string | undefined; readonly namespace?: string | undefined }
    | undefined,
  namespace: string,
): string | undefined {
  if (reference?.kind !== "Pod" || reference.name === undefined) return undefined;
  return `${reference.namespace || namespace}/${reference.name}`;
}
