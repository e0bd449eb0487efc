// Compiles a resource as a traffic thread does, with nothing around it: what comes out depends on the resource alone.
import { create, fromBinary, fromJson, toBinary, toJsonString } from "@bufbuild/protobuf";
import type { DescMessage, JsonObject, Message } from "@bufbuild/protobuf";
import { configRegistry } from "#envoy/config-registry";
import { BootstrapSchema } from "#envoy/gen/envoy/config/bootstrap/v3/bootstrap_pb";
import type { Bootstrap } from "#envoy/gen/envoy/config/bootstrap/v3/bootstrap_pb";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { Cluster } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import type { ClusterLoadAssignment } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { NodeSchema } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import type { Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import type { RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { SecretSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import { CommonTlsContextSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import { parseCluster } from "#proxy/cluster/cluster-config";
import { parseLoadAssignment } from "#proxy/cluster/load-assignment";
import { readBootstrap } from "#proxy/data-plane/bootstrap";
import { FakeAuthority } from "#proxy/net/certificates.fake";
import { COMPILERS } from "#proxy/data-plane/composition";
import { SharedLocalInfo } from "#proxy/local-info";
import { compileListener } from "#proxy/listener/listener-config";
import { compileRouteTable } from "#proxy/route/route-table";
import type { ThreadContext } from "#proxy/thread-context";
import type { Secret } from "#proxy/transport-socket/secret";
import { checkSecret } from "#proxy/transport-socket/secret";
import type { Secrets } from "#proxy/transport-socket/tls-context";
import { compileTlsContext } from "#proxy/transport-socket/tls-context";
import { endpointsOf, referencesOf } from "#proxy/xds-client/references";
import { NO_RUNTIME } from "#proxy/runtime/runtime";
import { ManualClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { seededRandom } from "#runtime/random";
import { dottedName } from "#telemetry/stats/stat-name";
import type { Counter, Gauge, Histogram, NamePart, StatsScope } from "#telemetry/stats/store";
import type { ResourceKind } from "./base.ts";

export const SCHEMAS: Readonly<Record<ResourceKind, DescMessage>> = {
  bootstrap: BootstrapSchema,
  cluster: ClusterSchema,
  endpoints: ClusterLoadAssignmentSchema,
  listener: ListenerSchema,
  routes: RouteConfigurationSchema,
  secret: SecretSchema,
};

export function encode(kind: ResourceKind, json: JsonObject): Uint8Array {
  return toBinary(SCHEMAS[kind], fromJson(SCHEMAS[kind], json, { registry: configRegistry }));
}

export interface Compiled {
  readonly result: unknown;
  /** What is the same for every resource. */
  readonly around: readonly object[];
}

/** @throws ConfigError */
export function compile(kind: ResourceKind, bytes: Uint8Array): Compiled {
  const wire: Message = fromBinary(SCHEMAS[kind], bytes);
  const thread = makeThread();
  return {
    result: compileWire(kind, wire, thread),
    around: [thread, ...Object.values(thread).filter((part) => typeof part === "object"), ...COMPILERS.http, ...COMPILERS.network],
  };
}

function compileWire(kind: ResourceKind, wire: Message, thread: ThreadContext): unknown {
  switch (kind) {
    case "bootstrap": {
      // What it was read from stands beside what was read.
      const { wire: _, node, ...config } = readBootstrap(wire as Bootstrap);
      return { ...config, node: toJsonString(NodeSchema, node) };
    }
    case "cluster":
      return { config: parseCluster(wire as Cluster, COMPILERS.upstreamHttp), endpoints: endpointsOf(wire as Cluster) };
    case "endpoints":
      return parseLoadAssignment(wire as ClusterLoadAssignment);
    case "listener":
      return compileAndGreet(wire as Listener, thread);
    case "routes":
      return compileRouteTable(wire as RouteConfiguration, { filters: COMPILERS.http });
    case "secret":
      return materialOf(wire as Secret);
  }
}

/** What secrets are merged into is made when a client comes. */
function compileAndGreet(wire: Listener, thread: ThreadContext): unknown {
  const config = compileListener(wire, COMPILERS.network, thread);
  const hello = { serverName: "a.example", applicationProtocols: ["h2"] };
  const handshakes = config.chains.map(({ tls }) =>
    tls !== undefined && tls.needs.length > 0 ? tls.answer(hello, SECRETS, []) : undefined,
  );
  return { config, handshakes, references: referencesOf(wire) };
}

const leaf = new FakeAuthority().issue({ hosts: ["a.example"] });
const CERTIFICATE = create(SecretSchema, {
  type: {
    case: "tlsCertificate",
    value: {
      certificateChain: { specifier: { case: "inlineString", value: leaf.certificate } },
      privateKey: { specifier: { case: "inlineString", value: leaf.key } },
    },
  },
});
const VALIDATION = create(SecretSchema, { type: { case: "validationContext", value: {} } });
/** Validation is what configurations here call "b". */
const SECRETS: Secrets = { get: (key) => (key.endsWith(" b") ? VALIDATION : CERTIFICATE) };

/** A secret is compiled when a connection of somebody who refers to it comes. */
function materialOf(secret: Secret): unknown {
  checkSecret(secret);
  const reference = { name: "s" };
  const context = compileTlsContext(
    create(
      CommonTlsContextSchema,
      secret.type.case === "tlsCertificate"
        ? { tlsCertificateSdsSecretConfigs: [reference] }
        : { validationContextType: { case: "validationContextSdsSecretConfig", value: reference } },
    ),
    "client",
    { tickets: true, timeoutSeconds: undefined },
    "",
    () => {},
  );
  return context.material({ get: () => secret });
}

/** Knows its name and counts nothing. */
class NamedScope implements StatsScope {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
  scope(...parts: NamePart[]): NamedScope {
    return new NamedScope(`${this.name}.${dottedName(parts)}`);
  }
  counter(...parts: NamePart[]): Counter {
    return this.#value(parts);
  }
  gauge(...parts: NamePart[]): Gauge {
    return this.#value(parts);
  }
  histogram(...parts: NamePart[]): Histogram {
    return this.#value(parts);
  }
  release(): void {}

  #value(parts: NamePart[]): Counter & Gauge & Histogram {
    const nothing = (): void => {};
    const name = `${this.name}.${dottedName(parts)}`;
    return { name, value: 0, inc: nothing, dec: nothing, add: nothing, set: nothing, record: nothing } as Counter & Gauge & Histogram;
  }
}

function makeThread(): ThreadContext {
  return {
    nodeId: "n",
    local: new SharedLocalInfo("c"),
    clock: new ManualClock(),
    random: seededRandom(1),
    log: silentLog,
    stats: new NamedScope("root"),
    clusters: {} as ThreadContext["clusters"],
    routes: { get: () => undefined },
    secrets: { get: () => undefined },
    accessLogs: { open: (path) => ({ path, write: () => {} }) as { write(line: string): void } },
    runtime: NO_RUNTIME,
    poison: false,
  };
}
