import assert from "node:assert/strict";
import { test } from "node:test";
import { fromJson, toBinary } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import type { ClusterFacts } from "#proxy/xds-client/resource-facts";
import { ResourceSlots } from "#proxy/xds-client/resource-slots";
import type { AssignmentFacts } from "#proxy/xds-client/resource-facts";
import type { AdminSource, HostSummary } from "./admin-source.ts";
import { endpointsSection } from "./endpoints-dump.ts";

const address = (port: number): object => ({ socketAddress: { address: "127.0.0.1", portValue: port } });
const endpoints = (...ports: number[]): object[] => [{ lbEndpoints: ports.map((port) => ({ endpoint: { address: address(port) } })) }];

const clusters = new ResourceSlots<ClusterFacts>();
const assignments = new ResourceSlots<AssignmentFacts>();

function add<Facts>(slots: ResourceSlots<Facts>, name: string, bytes: Uint8Array, facts: Facts): void {
  slots.make(name).live = { name, version: "1", bytes, facts, acceptedWallMs: 0 };
}
const facts = (name: string, service?: string): ClusterFacts => ({
  name,
  endpoints: service === undefined ? undefined : { name: service, timeoutMs: 0 },
  dns: undefined,
  secrets: [],
  healthChecked: undefined,
});
const cluster = (json: object): Uint8Array => toBinary(ClusterSchema, fromJson(ClusterSchema, json as JsonValue));
const fixed = cluster({ name: "fixed", loadAssignment: { clusterName: "other", endpoints: endpoints(1) } });
add(clusters, "fixed", fixed, facts("fixed"));
add(clusters, "eds", cluster({ name: "eds" }), facts("eds", "service"));
add(clusters, "late", cluster({ name: "late" }), facts("late", "nothing yet"));
const sent = { clusterName: "service", endpoints: endpoints(2, 3, 4), policy: { overprovisioningFactor: 150 } };
const assignment = toBinary(ClusterLoadAssignmentSchema, fromJson(ClusterLoadAssignmentSchema, sent as unknown as JsonValue));
add(assignments, "service", assignment, { name: "service" });

const host = (port: number, more: Partial<HostSummary>): HostSummary =>
  ({ address: "127.0.0.1", port, edsHealth: "healthy", ejected: false, ...more }) as HostSummary;

const source = {
  staticResources: { clusters: [{ name: "fixed", version: "", bytes: fixed }], listeners: [], secrets: new Map() },
  config: { clusters, assignments, resolutions: new ResourceSlots() },
} as unknown as AdminSource;

interface Shown {
  readonly endpoint_config: {
    readonly cluster_name: string;
    readonly policy: object;
    readonly endpoints?: readonly { readonly lb_endpoints: readonly Record<string, unknown>[] }[];
  };
}

test("hosts have Envoy's defaults and the health that load balancing sees; clusters stand under the name of their endpoints", () => {
  const hosts = [host(2, {}), host(3, { ejected: true }), host(4, { edsHealth: "degraded" })];
  const section = endpointsSection(source, [{ name: "eds", outliers: undefined, hosts }], undefined);
  const [first] = section["static_endpoint_configs"] as unknown as Shown[];
  assert.deepEqual(first, {
    endpoint_config: {
      "@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
      cluster_name: "fixed",
      endpoints: [
        {
          locality: {},
          lb_endpoints: [
            {
              endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: 1 } }, health_check_config: {} },
              load_balancing_weight: 1,
            },
          ],
          load_balancing_weight: 0,
        },
      ],
      policy: { overprovisioning_factor: 140 },
    },
  });
  const dynamic = section["dynamic_endpoint_configs"] as unknown as Shown[];
  assert.deepEqual(
    dynamic.map(({ endpoint_config: config }) => config.cluster_name),
    ["service", "nothing yet"],
  );
  assert.deepEqual(dynamic[0]?.endpoint_config.policy, { overprovisioning_factor: 150 });
  assert.deepEqual(
    dynamic[0]?.endpoint_config.endpoints?.[0]?.lb_endpoints.map((one) => one["health_status"]),
    ["HEALTHY", "UNHEALTHY", "DEGRADED"],
  );
});

test("only clusters of a name are shown when one is asked for", () => {
  const section = endpointsSection(source, [], (name) => name === "service");
  assert.equal(section["static_endpoint_configs"], undefined);
  assert.equal((section["dynamic_endpoint_configs"] as unknown as Shown[]).length, 1);
});
