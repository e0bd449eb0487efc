// Whether real Envoy accepts a recorded configuration as a whole: everything as static resources of one bootstrap, through its own check.
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JsonObject } from "@bufbuild/protobuf";
import { envoyBinary } from "../harness/tools.ts";
import { bootstrapOf } from "../replay/bootstrap.ts";
import type { RecordedResources } from "../replay/recorded-resources.ts";

/** What Envoy says against it; undefined when it accepts. */
export async function envoyObjection(resources: RecordedResources): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "mizzen-validate-"));
  try {
    const file = join(folder, "bootstrap.json");
    writeFileSync(file, JSON.stringify(staticBootstrap(resources)));
    const output = join(folder, "output.txt");
    const descriptor = openSync(output, "a");
    // A file: Envoy opens /dev/stdout where an access log goes there, and cannot open Node's pipes.
    const child = spawn(envoyBinary(), ["--mode", "validate", "-c", file, "-l", "error"], { stdio: ["ignore", descriptor, descriptor] });
    closeSync(descriptor);
    const code = await new Promise<number | null>((done) => child.on("close", done));
    return code === 0 ? undefined : readFileSync(output, "utf8").slice(-2000);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function staticBootstrap({ clusters, endpoints, listeners, routes, extensions }: RecordedResources): JsonObject {
  const base = bootstrapOf({ nodeId: "validate", metadata: {}, discoveryPort: 1, adminPort: 0 });
  const own = base["static_resources"] as { clusters: JsonObject[] };
  // Endpoints have no place of their own in a bootstrap: each assignment stands in a static cluster.
  const ofEndpoints = endpoints.map((assignment, index): JsonObject => ({
    name: `endpoints ${index}`,
    type: "STATIC",
    loadAssignment: assignment,
  }));
  return {
    node: base["node"] ?? null,
    dynamic_resources: { ads_config: (base["dynamic_resources"] as JsonObject)["ads_config"] ?? null },
    static_resources: {
      clusters: [...own.clusters, ...clusters, ...ofEndpoints],
      listeners: [...listeners, ...routes.map(routeListener), ...extensions.map(extensionListener)],
    },
  };
}

/** Route configurations are checked where a connection manager holds them. */
function routeListener(routeConfig: JsonObject, index: number): JsonObject {
  return httpListener(`routes ${index}`, 20_000 + index, routeConfig, []);
}

function extensionListener(extension: JsonObject, index: number): JsonObject {
  return httpListener(`extension ${index}`, 30_000 + index, { name: "none" }, [extension]);
}

function httpListener(name: string, port: number, routeConfig: JsonObject, filters: readonly JsonObject[]): JsonObject {
  const type = "type.googleapis.com/envoy.extensions.filters";
  const router = { name: "router", typedConfig: { "@type": `${type}.http.router.v3.Router` } };
  const manager = {
    "@type": `${type}.network.http_connection_manager.v3.HttpConnectionManager`,
    statPrefix: "validate",
    routeConfig,
    httpFilters: [...filters, router],
  };
  return {
    name,
    address: { socketAddress: { address: "127.0.0.1", portValue: port } },
    filterChains: [{ filters: [{ name: "manager", typedConfig: manager }] }],
  };
}
