// Every statistic of Envoy's after mixed traffic exists in ours under the same name, but for those that are listed with their reason.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { call } from "../harness/mesh.ts";
import { startRecordingBackend } from "../harness/recording-backend.ts";
import { writeProxyConfig } from "./proxy-config.ts";
import type { ProxyPorts } from "./proxy-config.ts";
import { KINDS, startStandalone } from "./standalone.ts";
import type { ProxyKind } from "./standalone.ts";

const folder = mkdtempSync(join(tmpdir(), "mizzen-statistic-names-"));
const names = new Map<ProxyKind, ReadonlySet<string>>();

before(async () => {
  for (const kind of KINDS) names.set(kind, await namesAfterTraffic(kind));
});
after(() => rmSync(folder, { recursive: true }));

async function namesAfterTraffic(kind: ProxyKind): Promise<ReadonlySet<string>> {
  const backend = await startRecordingBackend(({ line }) =>
    line.includes("/missing") ? "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n" : "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
  );
  const { bootstrap, ports } = await writeProxyConfig(kind, folder, () => backend.port);
  const proxy = await startStandalone(kind, bootstrap, ports.admin);
  try {
    await traffic(ports);
    const { body } = await call(`http://127.0.0.1:${ports.admin}/stats`);
    let text = body;
    for (const [name, port] of Object.entries(ports)) text = text.replaceAll(`127.0.0.1_${port}`, `127.0.0.1_${name}`);
    return new Set(text.split("\n").flatMap((line) => /^(.+?): /.exec(line)?.[1] ?? []));
  } finally {
    await proxy.stop();
    await backend.close();
  }
}

async function traffic({ http, dynamic, tls, tcp }: ProxyPorts): Promise<void> {
  for (const port of [http, dynamic, tcp]) for (const path of ["/", "/missing"]) await call(`http://127.0.0.1:${port}${path}`);
  await new Promise<void>((done, fail) => {
    const sent = httpsRequest({ host: "127.0.0.1", port: tls, rejectUnauthorized: false }, (response) => {
      response.resume();
      response.on("end", done);
    });
    sent.on("error", fail);
    sent.end();
  });
  // Nonsense, and a handshake that is none.
  for (const port of [http, tls]) {
    await new Promise<void>((done) => {
      const socket = connect(port, "127.0.0.1", () => socket.end("nonsense\r\n\r\n"));
      socket.resume();
      socket.on("error", () => {});
      socket.on("close", () => done());
    });
  }
}

const MISSING: readonly (readonly [RegExp, string])[] = [
  [/^(http|listener)\.admin\./, "the admin endpoint is no listener of ours and counts nothing"],
  [/^http\.async-client\./, "health checks and mirrors are no requests of a connection manager of their own"],
  [/^cluster\..*\.health_check\.verify_cluster$/, "not counted: an answer of another service counts as a failure"],
  [/^cluster\..*\.(external|internal)\./, "every request twice more, for a distinction that x-envoy-internal makes"],
  [/^listener\..*\.http\./, "every request once more: http.<prefix>. has the same of a connection manager's own prefix"],
  [/^(listener|server)\.(.*\.)?worker_\d+\.|^thread_local_cluster_manager\./, "threads of one process belong to several proxies"],
  [/^listener\..*\.connections_accepted_per_socket_event$/, "the event loop does not tell"],
  [/_(rx|tx)_bytes_buffered$/, "bytes in buffers are not counted"],
  [
    /^cluster\..*\.(update_\w+|init_fetch_timeout|version)$/,
    "one subscription a cluster costs memory: cluster_manager.cds. has all, and version_text is there",
  ],
  [/\.rds\..*\.config_reload_time_ms$|^cluster_manager\.cds\.config_reload/, "not counted"],
  [/^cluster\..*\.(bind_errors|default\.total_match_count|max_host_weight|warming_state|upstream_queue_overloaded)$/, "not counted"],
  [
    /^cluster\..*\.(upstream_cx_preconnect_skipped|upstream_rq_rx_reset_no_error|upstream_cx_\w+_ms|upstream_rq_per_cx)$/,
    "not counted, or with the first connection",
  ],
  [/^cluster\..*\.outlier_detection\.ejections_detected_degradation$/, "there is no such detector"],
  [/^cluster_manager\.cluster_updated$/, "not counted"],
  [
    /^http\..*\.(downstream_cx_http1_soft_drain|downstream_rq_rejected_via_ip_detection|downstream_rq_too_many_premature_resets|rs_too_large)$/,
    "not counted",
  ],
  [/^listener\..*\.server_ssl_socket_factory\.|\.ssl\.certificate\./, "not counted"],
  [/\.ssl\.(ciphers|curves|sigalgs|versions)\./, "OpenSSL and BoringSSL agree on other suites, and the first does not tell of curves"],
  [/^listener_manager\.(listener_(create_success|in_place_updated|stopped)|total_\w+_draining|workers_pinned)$/, "not counted"],
  [
    /^tcp\..*\.(downstream_cx_drain_close|downstream_cx_overload_close|downstream_flow_control_\w+|early_data_received_count_total|route_delayed_total|upstream_flush_\w+)$/,
    "not counted",
  ],
  [/^(dns\.cares|filesystem|overload|envoy\.overload_actions)\./, "parts that we do not have, or that count nothing"],
  [
    /^server\.(days_until_first_cert_expiring|seconds_until_first_ocsp_response_expiring|initialization_time_ms)$/,
    "not counted: /certs has the days",
  ],
];

test("Envoy's names are in ours, or in the list of those that are not", () => {
  const ours = names.get("mizzen") ?? new Set();
  const theirs = [...(names.get("envoy") ?? [])];
  assert.ok(theirs.length > 500);
  assert.deepEqual(
    theirs.filter((name) => !ours.has(name) && !MISSING.some(([pattern]) => pattern.test(name))),
    [],
  );
});

test("the list holds no family that is there", () => {
  const theirs = [...(names.get("envoy") ?? [])];
  const ours = names.get("mizzen") ?? new Set();
  for (const [pattern] of MISSING) {
    const family = theirs.filter((name) => pattern.test(name));
    assert.ok(
      family.some((name) => !ours.has(name)),
      String(pattern),
    );
  }
});

test("what dashboards for Envoy and Istio ask for exists", async () => {
  const ours = [...(names.get("mizzen") ?? [])];
  for (const pattern of [
    /^cluster\.fixed\.upstream_rq_(2xx|4xx|total|active|time|timeout|retry|pending_active|pending_overflow|rx_reset)$/,
    /^cluster\.fixed\.upstream_cx_(total|active|connect_fail|connect_timeout|connect_ms|rx_bytes_total|tx_bytes_total|destroy_remote_with_active_rq)$/,
    /^cluster\.fixed\.membership_(healthy|total|degraded|change)$/,
    /^cluster\.checked\.health_check\.(attempt|success|failure|healthy)$/,
    /^http\.http\.downstream_(rq_2xx|rq_5xx|rq_total|rq_active|rq_time|cx_total|cx_active|cx_ssl_active|cx_rx_bytes_total|cx_tx_bytes_total)$/,
    /^listener\.127\.0\.0\.1_http\.downstream_cx_(total|active|destroy|overflow)$/,
    /^listener\.127\.0\.0\.1_tls\.ssl\.(handshake|connection_error|no_certificate|session_reused|fail_verify_error|fail_verify_san)$/,
    /^server\.(live|uptime|state|concurrency|memory_allocated|memory_heap_size|memory_physical_size|total_connections|version|hot_restart_epoch|parent_connections)$/,
    /^cluster_manager\.(active_clusters|warming_clusters|cluster_added|cluster_modified|cluster_removed)$/,
    /^cluster_manager\.cds\.(update_attempt|update_success|update_rejected|update_failure|update_time|version|version_text)$/,
    /^listener_manager\.(total_listeners_active|total_listeners_warming|listener_added|listener_create_failure|workers_started)$/,
    /^listener_manager\.lds\.(update_attempt|update_success|update_rejected|update_failure|version)$/,
    /^control_plane\.connected_state$/,
  ]) {
    const wanted = /\(([^)]*)\)/.exec(pattern.source)?.[1]?.split("|").length ?? 1;
    assert.equal(new Set(ours.filter((name) => pattern.test(name))).size, wanted, String(pattern));
  }
});
