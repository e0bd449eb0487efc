// The main thread's check of every resource before any thread sees it: everything is compiled as a traffic thread would, without one.
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { SecretSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import { parseCluster } from "#proxy/cluster/cluster-config";
import { parseLoadAssignment } from "#proxy/cluster/load-assignment";
import { decodeResource } from "#proxy/decode-resource";
import { checkFields, Violations } from "#proxy/field-check";
import type { HttpFilterCompiler } from "#proxy/http/filter";
import { compileListener } from "#proxy/listener/listener-config";
import type { NetworkFilterCompiler } from "#proxy/listener/network-filter";
import { checkSecret } from "#proxy/transport-socket/secret";
import type { SecretNeed, SecretServer } from "#proxy/transport-socket/secret";
import type { ResourceChecks } from "#proxy/xds-client/resource-facts";
import { invariant } from "#runtime/invariant";
import { ADS } from "#proxy/resource-source";
import type { ResourceSource } from "#proxy/resource-source";
import type { Need } from "#proxy/xds-client/references";
import { endpointsOf, referencesOf } from "#proxy/xds-client/references";
import { withDefaults } from "./cluster-manager-config.ts";
import type { ClusterManagerConfig } from "./cluster-manager-config.ts";
import type { ListenerSockets } from "./listener-sockets.ts";
import { checkRoutes } from "./route-check.ts";

export interface CompilerTables {
  readonly http: readonly HttpFilterCompiler[];
  /** Those that may stand behind a router. */
  readonly upstreamHttp: readonly HttpFilterCompiler[];
  readonly network: readonly NetworkFilterCompiler[];
}

/** What resources may refer to of the bootstrap. */
export interface KnownServers {
  /** Whether there is an ADS stream. */
  readonly ads: boolean;
  /** Clusters that may serve resources. */
  readonly clusters: Pick<ReadonlySet<string>, "has">;
  readonly clusterManager: ClusterManagerConfig;
  /** Static secrets. */
  readonly secrets: Pick<ReadonlySet<string>, "has">;
}

export function resourceChecks(tables: CompilerTables, sockets: Pick<ListenerSockets, "reserve">, known: KnownServers): ResourceChecks {
  return {
    secret(bytes, key) {
      const wire = decodeResource(SecretSchema, bytes);
      checked(SecretSchema, wire, `secret "${wire.name}"`, checkSecret);
      return { name: key };
    },
    cluster(bytes) {
      const wire = decodeResource(ClusterSchema, bytes);
      const config = checked(ClusterSchema, wire, `cluster "${wire.name}"`, (cluster) =>
        parseCluster(withDefaults(cluster, known.clusterManager), tables.upstreamHttp),
      );
      const { transportSockets, discovery, statName } = config;
      const { needs } = transportSockets;
      const dns = discovery.kind === "dns" ? { config: discovery.dns, statName } : undefined;
      const endpoints = endpointsOf(wire);
      refuseUnknownServers(needs, endpoints === undefined ? [] : [endpoints], known, `cluster "${wire.name}"`);
      return {
        name: wire.name,
        endpoints,
        dns,
        secrets: needs,
        healthChecked: config.healthCheck === undefined ? undefined : config,
      };
    },
    assignment(bytes) {
      const wire = decodeResource(ClusterLoadAssignmentSchema, bytes);
      checked(ClusterLoadAssignmentSchema, wire, `endpoints of cluster "${wire.clusterName}"`, parseLoadAssignment);
      return { name: wire.clusterName };
    },
    route(bytes) {
      return checkRoutes(bytes, { filters: tables.http });
    },
    listener(bytes, leaving) {
      const wire = decodeResource(ListenerSchema, bytes);
      const { listenAddresses, bindToPort, secrets } = checked(ListenerSchema, wire, `listener "${wire.name}"`, () =>
        compileListener(wire, tables.network, undefined),
      );
      const references = referencesOf(wire);
      refuseUnknownServers(secrets, references.routes, known, `listener "${wire.name}"`);
      sockets.reserve(wire.name, bindToPort ? listenAddresses : [], leaving);
      return { name: wire.name, ...references, secrets };
    },
  };
}

function refuseUnknownServers(secrets: readonly SecretNeed[], needs: readonly Need[], known: KnownServers, resource: string): void {
  const violations = new Violations();
  const check = (what: string, server: SecretServer | ResourceSource): void => {
    const cluster = server.kind === "cluster" ? server.name : server.kind === "grpc" ? server.cluster : undefined;
    if (cluster !== undefined && !known.clusters.has(cluster))
      violations.add("", `${what} comes from cluster "${cluster}", which the bootstrap does not have in plain text`);
    if (server.kind === "ads" && !known.ads) violations.add("", `${what} comes from ads, which the bootstrap does not have`);
  };
  for (const { name, server } of secrets) {
    check(`secret "${name}"`, server);
    if (server.kind === "static" && !known.secrets.has(name)) violations.add("", `unknown static secret "${name}"`);
  }
  for (const { name, source = ADS } of needs) check(`"${name}"`, source);
  violations.throwIfAny(resource);
}

/** Compiles, too, where a field is refused, so that everything wrong is told at once. */
function checked<Desc extends DescMessage, Result>(
  schema: Desc,
  wire: MessageShape<Desc>,
  resource: string,
  compile: (wire: MessageShape<Desc>) => Result,
): Result {
  const violations = new Violations();
  checkFields(schema, wire, "", violations);
  let compiled: { readonly result: Result } | undefined;
  try {
    compiled = { result: compile(wire) };
  } catch (error) {
    const found = new Violations();
    found.addFrom(error, "");
    found.tell((path, message) => {
      if (!violations.has(path)) violations.add(path, message);
    });
  }
  violations.throwIfAny(resource);
  invariant(compiled !== undefined, "what could not be compiled has violations");
  return compiled.result;
}
