// Everything about one recorded proxy that the matrix needs: its two configurations, the calls that try it, what stands around it.
import { create, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import { join } from "node:path";
import { generateResources } from "#control-plane/generate/resources";
import type { Mesh } from "#control-plane/mesh/mesh";
import { anyToJson } from "#envoy/any";
import { configRegistry } from "#envoy/config-registry";
import { nodeOf } from "../harness/mesh-of-yaml.ts";
import type { RecordedProxy, Scenario } from "../conformance/istiod/scenario.ts";
import type { FakeAuthority } from "#proxy/net/certificates.fake";
import type { EchoListener } from "../replay/echo-server.ts";
import { withoutIstioFilters } from "../replay/istio-filters.ts";
import { encodeResources, readRecordedResources, type RecordedResources } from "../replay/recorded-resources.ts";
import type { ReplayResource } from "../replay/resource-table.ts";
import { spiffeId, type ScenarioObjects } from "../replay/scenario-objects.ts";
import { makeSecrets, secretNames } from "../replay/secrets.ts";
import type { Call } from "./call.ts";
import { gatewayCalls } from "./gateway-calls.ts";
import { inboundCalls, inboundPorts, UNLISTED_PORT } from "./inbound-calls.ts";
import { at, number, objects, text } from "./json-fields.ts";
import { socketAddress } from "./listener-chains.ts";
import { outboundCalls, UNKNOWN_PORT } from "./outbound-calls.ts";
import type { Surroundings } from "./test-bed.ts";
import { endpointCounts } from "./times.ts";

export interface ProxyUnderTest {
  readonly recorded: readonly ReplayResource[];
  /** The plain form, as for a proxy that has none of Istio's filters. */
  readonly generated: readonly ReplayResource[];
  readonly calls: readonly Call[];
  readonly surroundings: Surroundings;
}

/** As recorded, but for what plain Envoy lacks. */
export function plainResources(folder: string): RecordedResources {
  return withoutIstioFilters(readRecordedResources(folder) as unknown as JsonObject) as unknown as RecordedResources;
}

/** `borrowed`: type URLs of which our configuration takes the recorded resources, to look at the rest. */
export async function proxyUnderTest(
  scenario: Scenario,
  proxy: RecordedProxy,
  mesh: Mesh,
  { trustDomain, identities, credentials }: ScenarioObjects,
  authority: FakeAuthority,
  borrowed: ReadonlySet<string>,
): Promise<ProxyUnderTest> {
  const resources = plainResources(join(scenario.directory, "out", proxy.name));
  const json = resources as unknown as JsonValue;
  const node = { ...nodeOf({ ...proxy, ips: proxy.ips ?? [proxy.ip] }), extensions: new Set<string>() };
  const generated = [...generateResources(mesh.view(node)).values()].flatMap((ofType) => [...ofType.values()]);
  const generatedJson = generated.map(({ typeUrl, value }) => anyToJson(configRegistry, create(AnySchema, { typeUrl, value })));
  const identity = spiffeId(trustDomain, proxy.namespace, proxy.serviceAccount);
  const sources = { authority, identity, namespace: proxy.namespace, credentials };
  const secrets = makeSecrets(new Set([...secretNames(json), ...secretNames(generatedJson)]), sources);
  const recorded = await encodeResources(resources);
  const isBorrowed = ({ typeUrl }: ReplayResource): boolean => borrowed.has(typeUrl);
  const addresses = proxy.ips ?? [proxy.ip];
  const captured = proxy.type === "sidecar" && node.interceptionMode !== "NONE";
  const listeners = applicationListeners(resources, captured);
  const mutual = mutualAddresses(resources);
  const known = { ...identities, ...Object.fromEntries([...mutual].map((address) => [address, identities[address] ?? identity])) };
  const client = authority.issueIdentity(spiffeId(trustDomain, "default", "caller"));
  const stranger = authority.issueIdentity(spiffeId("stranger.example.org", "default", "caller"));
  const calls =
    proxy.type === "router"
      ? gatewayCalls({ resources, address: proxy.ip, client })
      : [...outboundCalls(resources), ...inboundCalls({ resources, address: proxy.ip, client, stranger })];
  return {
    recorded: [...recorded, ...secrets],
    // Secrets that our control plane itself serves stand in for those of the harness.
    generated: [...secrets, ...generated.filter((each) => !isBorrowed(each)), ...recorded.filter(isBorrowed)],
    calls,
    surroundings: {
      nodeId: node.id,
      metadata: node.metadata as JsonObject,
      addresses,
      captured,
      worldPorts: worldPorts([json, generatedJson], calls),
      applicationListeners: listeners,
      identities: known,
      endpointCounts: withOwn(endpointCounts(assignmentsOf(resources)), addresses, listeners),
    },
  };
}

/** The pod is an endpoint too, and what is sent to its address arrives where its application listens. */
function withOwn(
  counts: ReadonlyMap<string, number>,
  addresses: readonly string[],
  listeners: readonly EchoListener[],
): ReadonlyMap<string, number> {
  const own = [...counts].filter(([destination]) => addresses.some((address) => destination.startsWith(`${address}:`)));
  const most = Math.max(1, ...own.map(([, count]) => count));
  const places = listeners.flatMap((listener) => ("port" in listener ? [`127.0.0.1:${listener.port}`] : [listener.path]));
  return new Map([...counts, ...places.map((place): [string, number] => [place, most])]);
}

/** Of endpoints that are said to speak Istio's mutual TLS. */
function mutualAddresses(resources: RecordedResources): ReadonlySet<string> {
  const addresses = new Set<string>();
  for (const endpoint of allEndpoints(resources)) {
    const address = text(at(endpoint, "endpoint", "address", "socketAddress")["address"]);
    const mode = at(endpoint, "metadata", "filterMetadata", "envoy.transport_socket_match")["tlsMode"];
    if (address !== undefined && mode === "istio") addresses.add(address);
  }
  return addresses;
}

function assignmentsOf(resources: RecordedResources): readonly JsonObject[] {
  return [...resources.endpoints, ...resources.clusters.map((cluster) => at(cluster, "loadAssignment"))];
}

function allEndpoints(resources: RecordedResources): readonly JsonObject[] {
  return assignmentsOf(resources)
    .flatMap((assignment) => objects(assignment["endpoints"]))
    .flatMap((locality) => objects(locality["lbEndpoints"]));
}

const CAPTURE_PORTS: ReadonlySet<number> = new Set([15_001, 15_006]);

/** Every port of any address in the configurations. */
function worldPorts(configurations: readonly JsonValue[], calls: readonly Call[]): readonly number[] {
  const ports = new Set([UNKNOWN_PORT, ...calls.filter(({ from }) => from === "pod").map(({ request }) => request.port)]);
  const visit = (value: JsonValue): void => {
    if (typeof value !== "object" || value === null) return;
    if (!Array.isArray(value) && "portValue" in value) ports.add(number(value["portValue"]) ?? 0);
    for (const inner of Object.values(value)) visit(inner as JsonValue);
  };
  configurations.forEach(visit);
  return [...ports].filter((port) => port > 0 && !CAPTURE_PORTS.has(port));
}

/** What the application of the pod listens at: where inbound traffic is sent, but not where the proxy itself listens. */
function applicationListeners(resources: RecordedResources, captured: boolean): readonly EchoListener[] {
  const bound = new Set(
    resources.listeners.filter((listener) => listener["bindToPort"] !== false).flatMap((listener) => socketAddress(listener)?.port ?? []),
  );
  const ports = new Set(captured ? [...inboundPorts(resources), UNLISTED_PORT] : []);
  const paths = new Set<string>();
  for (const cluster of resources.clusters.filter(({ name }) => text(name)?.startsWith("inbound|"))) {
    for (const endpoint of objects(at(cluster, "loadAssignment")["endpoints"]).flatMap((locality) => objects(locality["lbEndpoints"]))) {
      const address = at(endpoint, "endpoint", "address");
      const port = number(at(address, "socketAddress")["portValue"]);
      const path = text(at(address, "pipe")["path"]);
      if (port !== undefined) ports.add(port);
      if (path !== undefined) paths.add(path);
    }
  }
  return [...[...ports].filter((port) => !bound.has(port)).map((port) => ({ port })), ...[...paths].map((path) => ({ path }))];
}
