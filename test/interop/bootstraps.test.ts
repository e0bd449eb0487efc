// Sample bootstraps under Envoy and under `mizzen proxy`: everything static, everything from files, everything by ADS. Both give the same
// answers, before and after a change, and judge a bootstrap alike.
import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { fromJson, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, JsonObject } from "@bufbuild/protobuf";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ClusterLoadAssignmentSchema } from "#envoy/gen/envoy/config/endpoint/v3/endpoint_pb";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { configRegistry as registry } from "#envoy/config-registry";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import { freePort } from "../harness/free-port.ts";
import { call, eventually } from "../harness/mesh.ts";
import { startReplayServer } from "../replay/ads-server.ts";
import type { ReplayResource } from "../replay/ads-server.ts";
import { KINDS, runProxy, startStandalone } from "./standalone.ts";
import type { ProxyKind } from "./standalone.ts";

const EXTENSIONS = "type.googleapis.com/envoy.extensions";
const folder = mkdtempSync(join(tmpdir(), "mizzen-bootstraps-"));
const backend = createServer((request, response) =>
  response.end(`backend ${request.method} ${request.url} ${String(request.headers["x-by"] ?? "")}\n`),
);
let backendPort = 0;

before(async () => {
  await new Promise<void>((done) => backend.listen(0, "127.0.0.1", done));
  backendPort = (backend.address() as AddressInfo).port;
});
after(() => {
  backend.close();
  backend.closeAllConnections();
  rmSync(folder, { recursive: true });
});

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const address = (port: number): JsonObject => ({ socket_address: { address: "127.0.0.1", port_value: port } });
const endpointsOf = (cluster: string, port: number): JsonObject => ({
  cluster_name: cluster,
  endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port) } }] }],
});

function routes(by: string): JsonObject {
  return {
    name: "local",
    virtual_hosts: [
      {
        name: "all",
        domains: ["*"],
        routes: [
          { match: { path: "/direct" }, direct_response: { status: 203, body: { inline_string: `direct ${by}\n` } } },
          { match: { prefix: "/moved" }, redirect: { path_redirect: "/there" } },
          { match: { prefix: "/" }, route: { cluster: "backend" }, request_headers_to_add: [{ header: { key: "x-by", value: by } }] },
        ],
      },
    ],
  };
}

function listener(port: number, routing: JsonObject): JsonObject {
  return {
    name: "http",
    address: address(port),
    filter_chains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typed_config: {
              "@type": `${EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: "http",
              ...routing,
              http_filters: [
                { name: "envoy.filters.http.router", typed_config: { "@type": `${EXTENSIONS}.filters.http.router.v3.Router` } },
              ],
            },
          },
        ],
      },
    ],
  };
}

function tcpListener(port: number): JsonObject {
  const typed = { "@type": `${EXTENSIONS}.filters.network.tcp_proxy.v3.TcpProxy`, stat_prefix: "tcp", cluster: "backend" };
  return {
    name: "tcp",
    address: address(port),
    filter_chains: [{ filters: [{ name: "envoy.filters.network.tcp_proxy", typed_config: typed }] }],
  };
}

const edsCluster = (source: JsonObject): JsonObject => ({
  name: "backend",
  type: "EDS",
  connect_timeout: "1s",
  eds_cluster_config: { eds_config: source },
});

interface Ports {
  readonly admin: number;
  readonly http: number;
  readonly tcp: number;
}

async function somePorts(): Promise<Ports> {
  return { admin: await freePort(), http: await freePort(), tcp: await freePort() };
}

function bootstrapOf(ports: Ports, more: JsonObject): JsonObject {
  return { node: { id: "alone", cluster: "test" }, admin: { address: address(ports.admin) }, ...more };
}

async function answers(ports: Ports): Promise<string[]> {
  const seen: string[] = [];
  for (const [port, path] of [
    [ports.http, "/direct"],
    [ports.http, "/moved/a"],
    [ports.http, "/x?y=1"],
    [ports.tcp, "/tcp"],
  ] as const) {
    const { status, body, headers } = await call(`http://127.0.0.1:${port}${path}`);
    const location = String(headers["location"] ?? "").replace(/:\d+/, "");
    seen.push(`${status} ${body} ${location} ${String(headers["server"] ?? "")}`);
  }
  return seen;
}

function written(name: string, json: JsonObject): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(json));
  return path;
}

/** Runs the same on both; what they answered. */
async function onBoth(run: (kind: ProxyKind) => Promise<unknown>): Promise<void> {
  const [envoy, mizzen] = [await run("envoy"), await run("mizzen")];
  assert.deepEqual(mizzen, envoy);
}

test("listeners and a cluster of the bootstrap", async () => {
  await onBoth(async (kind) => {
    const ports = await somePorts();
    const file = written(
      `static-${kind}.json`,
      bootstrapOf(ports, {
        static_resources: {
          listeners: [listener(ports.http, { route_config: routes("bootstrap") }), tcpListener(ports.tcp)],
          clusters: [{ name: "backend", type: "STATIC", connect_timeout: "1s", load_assignment: endpointsOf("backend", backendPort) }],
        },
      }),
    );
    const proxy = await startStandalone(kind, file, ports.admin);
    cleanups.push(() => proxy.stop());
    const seen = await answers(ports);
    assert.equal(await proxy.stop(), 0);
    assert.match(seen[0] ?? "", /^203 direct bootstrap/);
    assert.match(seen[3] ?? "", /^200 backend GET \/tcp/);
    return seen;
  });
});

test("everything from files, and what is moved to their names later", async () => {
  await onBoth(async (kind) => {
    const ports = await somePorts();
    const file = (name: string): string => join(folder, `${kind}-${name}.json`);
    const from = (name: string): JsonObject => ({ path_config_source: { path: file(name) }, resource_api_version: "V3" });
    const put = (name: string, type: string, version: string, ...resources: JsonObject[]): void => {
      const path = file(name);
      const content = { version_info: version, resources: resources.map((fields) => ({ "@type": type, ...fields })) };
      writeFileSync(`${path}.new`, JSON.stringify(content));
      renameSync(`${path}.new`, path);
    };
    put("cds", CLUSTER_TYPE, "1", edsCluster(from("eds")));
    put("eds", ENDPOINT_TYPE, "1", endpointsOf("backend", backendPort));
    put("rds", ROUTE_TYPE, "1", routes("files"));
    put(
      "lds",
      LISTENER_TYPE,
      "1",
      listener(ports.http, { rds: { route_config_name: "local", config_source: from("rds") } }),
      tcpListener(ports.tcp),
    );
    const bootstrap = written(
      `files-${kind}.json`,
      bootstrapOf(ports, { dynamic_resources: { cds_config: from("cds"), lds_config: from("lds") } }),
    );
    const proxy = await startStandalone(kind, bootstrap, ports.admin);
    cleanups.push(() => proxy.stop());
    const seen = [await answers(ports)];
    put("rds", ROUTE_TYPE, "2", routes("changed"));
    await eventually(`${kind} has the routes that were moved there`, 30_000, async () =>
      (await call(`http://127.0.0.1:${ports.http}/direct`)).body === "direct changed\n" ? true : undefined,
    );
    seen.push(await answers(ports));
    // A file that cannot be used changes nothing; one without the listener takes it away.
    writeFileSync(`${file("rds")}.new`, "{ no json");
    renameSync(`${file("rds")}.new`, file("rds"));
    put("lds", LISTENER_TYPE, "2", listener(ports.http, { rds: { route_config_name: "local", config_source: from("rds") } }));
    await eventually(`${kind} has no TCP listener any more`, 30_000, () =>
      call(`http://127.0.0.1:${ports.tcp}/tcp`).then(
        () => undefined,
        () => true,
      ),
    );
    seen.push([(await call(`http://127.0.0.1:${ports.http}/direct`)).body]);
    return seen;
  });
});

for (const protocol of ["GRPC", "DELTA_GRPC"]) {
  test(`everything by ADS with ${protocol}, and what changes there`, async () => {
    await onBoth(async (kind) => {
      const ports = await somePorts();
      const ads: JsonObject = { ads: {}, resource_api_version: "V3" };
      const resource = (typeUrl: string, name: string, schema: DescMessage, json: JsonObject): ReplayResource => ({
        typeUrl,
        name,
        value: toBinary(schema, fromJson(schema, json, { registry })),
      });
      const resources = (by: string): ReplayResource[] => [
        resource(CLUSTER_TYPE, "backend", ClusterSchema, edsCluster(ads)),
        resource(ENDPOINT_TYPE, "backend", ClusterLoadAssignmentSchema, endpointsOf("backend", backendPort)),
        resource(LISTENER_TYPE, "http", ListenerSchema, listener(ports.http, { rds: { route_config_name: "local", config_source: ads } })),
        resource(ROUTE_TYPE, "local", RouteConfigurationSchema, routes(by)),
      ];
      const tcp = resource(LISTENER_TYPE, "tcp", ListenerSchema, tcpListener(ports.tcp));
      const server = await startReplayServer([...resources("ads"), tcp]);
      cleanups.push(() => server.close());
      const http2 = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
      const bootstrap = written(
        `ads-${protocol}-${kind}.json`,
        bootstrapOf(ports, {
          dynamic_resources: {
            cds_config: ads,
            lds_config: ads,
            ads_config: {
              api_type: protocol,
              transport_api_version: "V3",
              grpc_services: [{ envoy_grpc: { cluster_name: "xds" } }],
            },
          },
          static_resources: {
            clusters: [
              {
                name: "xds",
                type: "STATIC",
                connect_timeout: "1s",
                typed_extension_protocol_options: {
                  [http2]: { "@type": `type.googleapis.com/${http2}`, explicit_http_config: { http2_protocol_options: {} } },
                },
                load_assignment: endpointsOf("xds", server.port),
              },
            ],
          },
        }),
      );
      const proxy = await startStandalone(kind, bootstrap, ports.admin);
      cleanups.push(() => proxy.stop());
      const seen = [await answers(ports)];
      server.set(resources("changed"));
      await eventually(`${kind} has the new routes and no TCP listener any more`, 30_000, async () => {
        const changed = (await call(`http://127.0.0.1:${ports.http}/direct`)).body === "direct changed\n";
        const gone = await call(`http://127.0.0.1:${ports.tcp}/tcp`).then(
          () => false,
          () => true,
        );
        return changed && gone ? true : undefined;
      });
      assert.deepEqual(server.nacks, []);
      return seen;
    });
  });
}

test("who waits for a runtime layer can be ended", async () => {
  const ads = { api_type: "GRPC", grpc_services: [{ envoy_grpc: { cluster_name: "nobody" } }] };
  const http2 = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
  const codec = { "@type": `type.googleapis.com/${http2}`, explicit_http_config: { http2_protocol_options: {} } };
  const nobody = {
    name: "nobody",
    typed_extension_protocol_options: { [http2]: codec },
    load_assignment: endpointsOf("nobody", await freePort()),
  };
  for (const kind of KINDS) {
    const ports = await somePorts();
    const layer = { name: "served", rtds_layer: { name: "r", rtds_config: { ads: {}, initial_fetch_timeout: "0s" } } };
    const bootstrap = bootstrapOf(ports, {
      layered_runtime: { layers: [layer] },
      dynamic_resources: { ads_config: ads },
      static_resources: { clusters: [nobody] },
    });
    const proxy = await startStandalone(kind, written(`waiting-${kind}.json`, bootstrap), ports.admin, [], 503);
    assert.equal(await proxy.stop(), 0, `${kind}: ${proxy.output()}`);
  }
});

test("a bootstrap is judged without running it, with Envoy's words and exit code", async () => {
  const ports = await somePorts();
  const good = written("good.json", bootstrapOf(ports, {}));
  const bad = written("bad.json", bootstrapOf(ports, { static_resources: { clusters: [{ name: "a", conect_timeout: "1s" }] } }));
  for (const kind of KINDS) {
    const accepted = await runProxy(kind, ["-c", good, "--mode", "validate"]);
    assert.deepEqual([accepted.code, accepted.stdout], [0, `configuration '${good}' OK\n`], kind);
    const refused = await runProxy(kind, ["-c", bad, "--mode", "validate"]);
    assert.equal(refused.code, 1, kind);
    assert.match(refused.stderr, /error initializing configuration '.*bad\.json'/, kind);
    assert.match(refused.stderr, /conect_timeout/, kind);
  }
});
