// The parts of an Envoy v3 Bootstrap that this proxy acts on: who it is, where its admin endpoint is, what it serves at once, and whom it
// asks for more.
import { create, fromJson, toBinary } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { BootstrapSchema } from "#envoy/gen/envoy/config/bootstrap/v3/bootstrap_pb";
import type { Bootstrap } from "#envoy/gen/envoy/config/bootstrap/v3/bootstrap_pb";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { Address } from "#envoy/gen/envoy/config/core/v3/address_pb";
import { NodeSchema } from "#envoy/gen/envoy/config/core/v3/base_pb";
import type { Node } from "#envoy/gen/envoy/config/core/v3/base_pb";
import type { ConfigSource } from "#envoy/gen/envoy/config/core/v3/config_source_pb";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { SecretSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import { configRegistry } from "#envoy/config-registry";
import { Violations } from "#proxy/field-check";
import type { SocketAddress } from "#proxy/net/connection";
import { fetchTimeoutMs, readGrpcSource, readResourceSource } from "#proxy/resource-source";
import type { GrpcSource, ResourceSource } from "#proxy/resource-source";
import { readLayeredRuntime } from "#proxy/runtime/layered-runtime-config";
import type { RuntimeLayerConfig } from "#proxy/runtime/layered-runtime-config";
import type { StaticResources } from "#proxy/xds-client/static-resources";
import { readClusterManager } from "./cluster-manager-config.ts";
import type { ClusterManagerConfig } from "./cluster-manager-config.ts";
import { compileStatsMatcher } from "./stats-matcher.ts";
import type { KnownServers } from "./resource-checks.ts";

export interface BootstrapConfig {
  readonly wire: Bootstrap;
  readonly node: Node;
  /** Undefined: no admin endpoint. */
  readonly admin: SocketAddress | undefined;
  /** Undefined: nothing comes by ADS. */
  readonly ads: GrpcSource | undefined;
  readonly cds: ResourceSource | undefined;
  readonly lds: ResourceSource | undefined;
  /** How long the start waits for the first clusters, then for the first listeners. 0: for ever. */
  readonly cdsTimeoutMs: number;
  readonly ldsTimeoutMs: number;
  readonly clusterManager: ClusterManagerConfig;
  readonly runtimeLayers: readonly RuntimeLayerConfig[];
  readonly staticResources: StaticResources;
  /** Static clusters that this proxy itself can call, in plain text: host:port or unix:PATH of each endpoint, by
   *  name; any of them will do. */
  readonly servers: ReadonlyMap<string, readonly string[]>;
  /** Names of statistics that are shown. Undefined: all. */
  readonly keepsStat: ((name: string) => boolean) | undefined;
}

/** @throws ConfigError with all violations; fields that only Envoy knows are not looked at */
export function parseBootstrap(json: unknown): BootstrapConfig {
  const violations = new Violations();
  let wire: Bootstrap;
  try {
    wire = fromJson(BootstrapSchema, json as JsonValue, { registry: configRegistry, ignoreUnknownFields: true });
  } catch (error) {
    violations.add("", error instanceof Error ? error.message : String(error));
    violations.throwIfAny("bootstrap");
    throw error;
  }
  return readBootstrap(wire);
}

/** @throws ConfigError with all violations */
export function readBootstrap(wire: Bootstrap): BootstrapConfig {
  const violations = new Violations();
  const { admin: adminWire, dynamicResources: dynamic } = wire;
  const node = wire.node ?? create(NodeSchema);
  const admin = socketAddress(adminWire?.address);
  if (adminWire?.address !== undefined && admin === undefined) violations.add("admin.address", "must be a socket address");
  const path = "dynamic_resources";
  const read = (source: ConfigSource | undefined, field: string): ResourceSource | undefined =>
    source === undefined ? undefined : readResourceSource(source, `${path}.${field}`, violations.add);
  const cds = read(dynamic?.cdsConfig, "cds_config");
  const lds = read(dynamic?.ldsConfig, "lds_config");
  const ads = dynamic?.adsConfig === undefined ? undefined : readGrpcSource(dynamic.adsConfig, `${path}.ads_config`, violations.add);
  if (dynamic !== undefined && node.id === "") violations.add("node.id", "must be set");
  if (dynamic !== undefined && dynamic.adsConfig === undefined && (cds?.kind === "ads" || lds?.kind === "ads"))
    violations.add(`${path}.ads_config`, "must be set: clusters or listeners come from it");
  const servers = readServers(wire);
  const checkServer = (source: ResourceSource | undefined, field: string): void => {
    if (source?.kind === "grpc" && !servers.has(source.cluster)) {
      const problem = `cluster "${source.cluster}" must be a static cluster in plain text, and every endpoint must have an address`;
      violations.add(field, problem);
    }
  };
  checkServer(ads, `${path}.ads_config`);
  checkServer(cds, `${path}.cds_config`);
  checkServer(lds, `${path}.lds_config`);
  const runtimeLayers = readLayeredRuntime(wire.layeredRuntime, violations.add, (source, field) => {
    checkServer(source, field);
    if (node.id === "" || node.cluster === "") violations.add(field, "node.id and node.cluster must be set: somebody serves the layer");
    if (source.kind === "ads" && ads === undefined) violations.add(field, `${path}.ads_config must be set: the layer comes from it`);
  });
  const staticResources = staticResourcesOf(wire);
  reportRepeated("clusters", staticResources.clusters, violations);
  reportRepeated("listeners", staticResources.listeners, violations);
  reportRepeated("secrets", wire.staticResources?.secrets ?? [], violations);
  const clusterManager = readClusterManager(wire, violations.add);
  const keepsStat = compileStatsMatcher(wire.statsConfig?.statsMatcher, "stats_config.stats_matcher", violations.add);
  violations.throwIfAny("bootstrap");
  const [cdsTimeoutMs, ldsTimeoutMs] = [fetchTimeoutMs(dynamic?.cdsConfig), fetchTimeoutMs(dynamic?.ldsConfig)];
  return {
    wire,
    node,
    admin,
    ads,
    cds,
    lds,
    cdsTimeoutMs,
    ldsTimeoutMs,
    clusterManager,
    runtimeLayers,
    staticResources,
    servers,
    keepsStat,
  };
}

function staticResourcesOf(wire: Bootstrap): StaticResources {
  const { clusters = [], listeners = [], secrets = [] } = wire.staticResources ?? {};
  return {
    clusters: clusters.map((cluster) => ({ name: cluster.name, version: "", bytes: toBinary(ClusterSchema, cluster) })),
    listeners: listeners.map((listener, index) => {
      // As Envoy: one without a name gets one.
      const name = listener.name === "" ? `listener_${index}` : listener.name;
      return { name, version: "", bytes: toBinary(ListenerSchema, { ...listener, name }) };
    }),
    secrets: new Map(secrets.map((secret) => [secret.name, { name: secret.name, version: "", bytes: toBinary(SecretSchema, secret) }])),
  };
}

/** Listeners are looked at, too: Envoy passes over all of a name but the first. */
function reportRepeated(field: string, resources: readonly { readonly name: string }[], violations: Violations): void {
  const names = new Set<string>();
  for (const [index, { name }] of resources.entries()) {
    if (names.has(name)) violations.add(`static_resources.${field}[${index}].name`, `"${name}" is there twice`);
    names.add(name);
  }
}

/** What resources may refer to. */
export function knownServers({ ads, servers, clusterManager, staticResources }: BootstrapConfig): KnownServers {
  return { ads: ads !== undefined, clusters: servers, clusterManager, secrets: staticResources.secrets };
}

/** Static clusters that this proxy itself can call: gRPC looks names up. */
function readServers(wire: Bootstrap): Map<string, readonly string[]> {
  const targets = new Map<string, readonly string[]>();
  for (const { name, loadAssignment, transportSocket } of wire.staticResources?.clusters ?? []) {
    const endpoints = loadAssignment?.endpoints.flatMap(({ lbEndpoints }) => lbEndpoints) ?? [];
    const addresses = endpoints.flatMap(({ hostIdentifier }) =>
      hostIdentifier.case === "endpoint" ? (targetOf(hostIdentifier.value.address) ?? []) : [],
    );
    if (transportSocket === undefined && addresses.length > 0 && addresses.length === endpoints.length) targets.set(name, addresses);
  }
  return targets;
}

function targetOf(address: Address | undefined): string | undefined {
  const socket = socketAddress(address);
  if (socket !== undefined) return hostAndPort(socket);
  return address?.address.case === "pipe" ? `unix:${address.address.value.path}` : undefined;
}

function hostAndPort({ address, port }: SocketAddress): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

function socketAddress(address: Address | undefined): SocketAddress | undefined {
  if (address?.address.case !== "socketAddress" || address.address.value.portSpecifier.case !== "portValue") return undefined;
  return { address: address.address.value.address, port: address.address.value.portSpecifier.value };
}
