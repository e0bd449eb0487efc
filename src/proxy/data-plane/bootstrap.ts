// The parts of an Envoy v3 Bootstrap that this proxy acts on: who it is, where its admin endpoint is, and which control plane it asks.
import { fromJson } from "@bufbuild/protobuf";
import type { JsonValue } from "@bufbuild/protobuf";
import { BootstrapSchema } from "#envoy/gen/envoy/config/bootstrap/v3/bootstrap_pb";
import type { Bootstrap } from "#envoy/gen/envoy/config/bootstrap/v3/bootstrap_pb";
import type { Address } from "#envoy/gen/envoy/config/core/v3/address_pb";
import type { Node } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { ApiConfigSource_ApiType } from "#envoy/gen/envoy/config/core/v3/config_source_pb";
import { file_envoy_extensions_upstreams_http_v3_http_protocol_options } from "#envoy/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb";
import { registryOf } from "#envoy/any";
import { Violations } from "#proxy/field-check";
import type { SocketAddress } from "#proxy/net/connection";

export interface BootstrapConfig {
  readonly wire: Bootstrap;
  readonly node: Node;
  /** Undefined: no admin endpoint. */
  readonly admin: SocketAddress | undefined;
  /** host:port of each control plane, plaintext; any of them will do. */
  readonly controlPlanes: readonly string[];
  /** Static clusters that this proxy itself can call, in plain text: host:port or unix:PATH by name. */
  readonly clusters: ReadonlyMap<string, string>;
}

const registry = registryOf(file_envoy_extensions_upstreams_http_v3_http_protocol_options);

/** @throws ConfigError with all violations; fields that only Envoy knows are not looked at */
export function parseBootstrap(json: unknown): BootstrapConfig {
  const violations = new Violations();
  let wire: Bootstrap;
  try {
    wire = fromJson(BootstrapSchema, json as JsonValue, { registry, ignoreUnknownFields: true });
  } catch (error) {
    violations.add("", error instanceof Error ? error.message : String(error));
    violations.throwIfAny("bootstrap");
    throw error;
  }
  const node = wire.node;
  if (node === undefined || node.id === "") violations.add("node.id", "must be set");
  const admin = socketAddress(wire.admin?.address);
  if (wire.admin !== undefined && admin === undefined) violations.add("admin.address", "must be a socket address");
  const controlPlanes = readControlPlanes(wire, violations);
  violations.throwIfAny("bootstrap");
  return { wire, node: node as Node, admin, controlPlanes, clusters: readClusters(wire) };
}

function readControlPlanes(wire: Bootstrap, violations: Violations): readonly string[] {
  const dynamic = wire.dynamicResources;
  const ads = dynamic?.adsConfig;
  if (ads?.apiType !== ApiConfigSource_ApiType.DELTA_GRPC) {
    violations.add("dynamic_resources.ads_config.api_type", "must be DELTA_GRPC: nothing else is served yet");
  }
  for (const [field, source] of [
    ["cds_config", dynamic?.cdsConfig],
    ["lds_config", dynamic?.ldsConfig],
  ] as const) {
    if (source?.configSourceSpecifier.case !== "ads") violations.add(`dynamic_resources.${field}`, "must be ads");
  }
  const target = ads?.grpcServices[0]?.targetSpecifier;
  if (target?.case !== "envoyGrpc") {
    violations.add("dynamic_resources.ads_config.grpc_services[0]", "must be envoy_grpc");
    return [];
  }
  const name = target.value.clusterName;
  const cluster = wire.staticResources?.clusters.find((candidate) => candidate.name === name);
  const path = `static_resources.clusters["${name}"]`;
  const endpoints = cluster?.loadAssignment?.endpoints.flatMap(({ lbEndpoints }) => lbEndpoints) ?? [];
  const addresses = endpoints.flatMap(({ hostIdentifier }) => {
    const address = hostIdentifier.case === "endpoint" ? socketAddress(hostIdentifier.value.address) : undefined;
    return address === undefined ? [] : [hostAndPort(address)];
  });
  if (addresses.length === 0) violations.add(path, "must have an endpoint with a socket address");
  else if (addresses.length < endpoints.length) violations.add(path, "every endpoint must have a socket address");
  if (cluster?.transportSocket !== undefined) violations.add(`${path}.transport_socket`, "tls to the control plane is not served yet");
  return addresses;
}

function readClusters(wire: Bootstrap): Map<string, string> {
  const targets = new Map<string, string>();
  for (const { name, loadAssignment, transportSocket } of wire.staticResources?.clusters ?? []) {
    const endpoint = loadAssignment?.endpoints[0]?.lbEndpoints[0]?.hostIdentifier;
    if (endpoint?.case !== "endpoint" || transportSocket !== undefined) continue;
    const { address } = endpoint.value;
    const socket = socketAddress(address);
    if (socket !== undefined) targets.set(name, hostAndPort(socket));
    else if (address?.address.case === "pipe") targets.set(name, `unix:${address.address.value.path}`);
  }
  return targets;
}

function hostAndPort({ address, port }: SocketAddress): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

function socketAddress(address: Address | undefined): SocketAddress | undefined {
  if (address?.address.case !== "socketAddress" || address.address.value.portSpecifier.case !== "portValue") return undefined;
  return { address: address.address.value.address, port: address.address.value.portSpecifier.value };
}
