// The same requests through a real Envoy and through our proxy, then what /stats/prometheus says of them: names, types, labels and
// counts must be the same. What only one of the two has is listed here, with the reason.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { before, test } from "node:test";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import type { LoneProxy } from "../harness/lone-proxy.ts";
import { call, eventually } from "../harness/mesh.ts";
import { startRecordingBackend } from "../harness/recording-backend.ts";
import type { RecordingBackend } from "../harness/recording-backend.ts";

interface Metrics {
  /** By name. */
  readonly types: ReadonlyMap<string, string>;
  /** By name and sorted labels. Of histograms the count. */
  readonly values: ReadonlyMap<string, number>;
}

/** Envoy has no such statistic: what it has no counterpart for. */
const OURS_ALONE = new Set(["envoy_access_logs_lines_dropped", "envoy_server_stats_overflow", "envoy_http_downstream_rq_internal_error"]);

/** Ours has the cluster's own name where Envoy has its alt_stat_name; a mesh gives both the same. */
const OTHER_LABEL = new Set(["envoy_cluster_update_success"]);

/** Its streams are not made by the pools of the cluster here, so that it counts none of them. */
const CONTROL_PLANE_CLUSTER = 'envoy_cluster_name="xds-grpc"';

/** Why a count may differ. */
const DIFFERENT_COUNTS: Readonly<Record<string, string>> = {
  envoy_server_uptime: "time passes",
  envoy_http_downstream_cx_tx_bytes_total: "x-envoy-upstream-service-time has as many digits as the answer took time",
  envoy_cluster_upstream_cx_tx_bytes_total:
    "x-envoy-expected-rq-timeout-ms of a retry is 10000 or 9999 and less, as the back-off's chance has it",
  envoy_runtime_load_success: "Envoy loads its layers twice as it starts",
  envoy_runtime_override_dir_not_exists: "Envoy loads its layers twice as it starts",
  envoy_http_downstream_cx_delayed_close_timeout: "we end our side at once, so that the client need not wait to see it",
};

function parse(text: string, port: number): Metrics {
  const types = new Map<string, string>();
  const values = new Map<string, number>();
  for (const line of text.replaceAll(String(port), "PORT").split("\n")) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type !== null) types.set(type[1] ?? "", type[2] ?? "");
    const sample = /^(\w+?)(_bucket|_sum|_count)?(?:\{(.*)\})? (\S+)$/.exec(line);
    if (sample === null || line.includes(CONTROL_PLANE_CLUSTER)) continue;
    const [, stem = "", suffix = "", labels = "", value = ""] = sample;
    const isHistogram = types.get(stem) === "histogram";
    if (isHistogram && suffix !== "_count") continue;
    const name = isHistogram ? stem : `${stem}${suffix}`;
    const sorted = (labels.match(/\w+="(?:[^"\\]|\\.)*"/g) ?? []).sort().join(",");
    values.set(`${name}{${sorted}}`, Number(value));
  }
  return { types, values };
}

/** Sends bytes and waits until the proxy closes. */
function exchange(port: number, bytes: string): Promise<void> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.resume();
    socket.on("error", () => {});
    socket.on("close", () => done());
  });
}

async function traffic(proxy: LoneProxy, backend: RecordingBackend): Promise<void> {
  const go = (path: string, options: Parameters<typeof call>[1] = {}): Promise<unknown> =>
    call(`http://127.0.0.1:${proxy.port}${path}`, options).catch((error: unknown) => error);
  for (const path of ["/c1", "/c1", "/e404", "/e503", "/retry/e503", "/retry/once", "/reset", "/short/silent"]) await go(path);
  await go("/c2", { method: "POST", body: "hello" });
  await go("/c3", { headers: { "content-type": "application/grpc" } });
  await go("/c4", { method: "OPTIONS", headers: { origin: "http://a", "access-control-request-method": "GET" } });
  await exchange(proxy.port, "GET / HTTP/1.1\r\nbad head\r\n\r\n");
  await exchange(proxy.port, "GET /c5 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
  // A client that leaves before its answer, once the back end has its request.
  await new Promise<void>((done) => {
    const socket = connect(proxy.port, "127.0.0.1", () => socket.write("GET /c7/silent HTTP/1.1\r\nhost: a\r\n\r\n"));
    socket.on("close", () => done());
    void eventually("the back end has the request", 30_000, () => (backend.received(7).length > 0 ? true : undefined)).then(() =>
      socket.destroy(),
    );
  });
}

async function measure(kind: "envoy" | "mizzen"): Promise<Metrics> {
  let failed = false;
  const backend = await startRecordingBackend(({ line }, socket) => {
    const status = /\/e(\d+)/.exec(line)?.[1] ?? (line.includes("/once") && !failed ? "503" : undefined);
    if (line.includes("/once")) failed = true;
    if (line.includes("/reset")) socket.destroy();
    if (line.includes("/reset") || line.includes("/silent")) return "";
    return status === undefined ? undefined : `HTTP/1.1 ${status} x\r\ncontent-length: 0\r\n\r\n`;
  });
  // Envoy's own rule for the label ends a cluster's name at its first dot.
  const proxy = await startLoneProxy(kind, { backendPort: backend.port, cluster: { altStatName: "backend" } });
  try {
    await traffic(proxy, backend);
    // Envoy's histograms show what was recorded five seconds ago, ours at once.
    return await eventually("everything is over and counted", 30_000, async () => {
      const metrics = parse(await proxy.get("/stats/prometheus"), proxy.port);
      const recorded = metrics.values.get('envoy_http_downstream_rq_time{envoy_http_conn_manager_prefix="lone"}') ?? 0;
      return recorded > 0 && (await proxy.busy()).every((gauge) => gauge.startsWith("cluster.")) ? metrics : undefined;
    });
  } finally {
    await proxy.stop();
    await backend.close();
  }
}

let envoy: Metrics;
let ours: Metrics;
before(async () => {
  [envoy, ours] = await Promise.all([measure("envoy"), measure("mizzen")]);
});
const stem = (series: string): string => series.slice(0, series.indexOf("{"));

test("every statistic of ours has Envoy's name and type", () => {
  for (const [name, type] of ours.types) {
    if (OURS_ALONE.has(name)) continue;
    assert.equal(envoy.types.get(name), type, name);
  }
});

test("every series of ours has Envoy's labels", () => {
  for (const series of ours.values.keys())
    if (!OURS_ALONE.has(stem(series)) && !OTHER_LABEL.has(stem(series))) assert.ok(envoy.values.has(series), series);
});

/** Of one process at one moment: clocks, hashes of versions, memory, who asked for a statistic by name. */
const OF_THE_MOMENT = /_(update_time|version)$|^envoy_server_(memory_|stats_recent_lookups)/;

test("both count the same", () => {
  const different: string[] = [];
  for (const [series, value] of ours.values) {
    const theirs = envoy.values.get(series);
    if (theirs === undefined || theirs === value || stem(series) in DIFFERENT_COUNTS || OF_THE_MOMENT.test(stem(series))) continue;
    different.push(`${series}: Envoy ${theirs}, ours ${value}`);
  }
  assert.deepEqual(different, []);
});

test("what requests and connections are counted by exists in both", () => {
  for (const name of [
    "envoy_cluster_upstream_rq",
    "envoy_cluster_upstream_rq_xx",
    "envoy_cluster_upstream_rq_time",
    "envoy_cluster_retry_upstream_rq",
    "envoy_cluster_upstream_cx_length_ms",
    "envoy_cluster_membership_healthy",
    "envoy_http_downstream_rq_xx",
    "envoy_http_downstream_cx_destroy_remote_active_rq",
    "envoy_listener_downstream_cx_total",
    "envoy_server_live",
  ]) {
    assert.ok(ours.types.has(name) && envoy.types.has(name), name);
  }
});
