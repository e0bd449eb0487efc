// Active health checks by a real Envoy and by our proxy: what a host is asked, what becomes of it for each of its answers, what clients
// get meanwhile, and what statistics and /clusters say must be the same.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import { call, eventually } from "../harness/mesh.ts";
import { startRecordingBackend } from "../harness/recording-backend.ts";

/** What the host says to checks, and the flags that are to come of it; `calls`: what a client gets then. */
interface Phase {
  readonly answer: "silent" | "closes" | { readonly status: number; readonly headers?: string; readonly body?: string };
  readonly flags: string;
}

interface Outcome {
  readonly asked: string;
  readonly phases: readonly (readonly [flags: string, client: string])[];
  readonly counted: Readonly<Record<string, boolean>>;
  readonly healthy: number;
}

/** Envoy's gauge of degraded hosts only ever grows. */
const NOT_COMPARED: ReadonlySet<string> = new Set(["membership_change", "health_check.degraded"]);

/** `more`: what clients ask for in the end, each followed by a look at the flags. */
async function measure(
  kind: "envoy" | "mizzen",
  check: JsonObject,
  phases: readonly Phase[],
  more: readonly string[] = [],
): Promise<Outcome> {
  let answer = phases[0]!.answer;
  let asked = "";
  const backend = await startRecordingBackend(({ line, headers, body }, socket) => {
    if (line.includes("/leave-me-alone")) {
      answer = { status: 503 };
      return "HTTP/1.1 200 x\r\nx-envoy-immediate-health-check-fail: true\r\ncontent-length: 0\r\n\r\n";
    }
    if (!line.includes("/healthz")) return "HTTP/1.1 200 x\r\ncontent-length: 0\r\n\r\n";
    if (asked === "") {
      const lines = headers.map(([name, value]) => `${name}: ${value}`).sort();
      asked = [line, ...lines, body].join("\n");
    }
    if (answer === "closes") socket.destroy();
    if (typeof answer === "string") return "";
    const text = answer.body ?? "";
    return `HTTP/1.1 ${answer.status} x\r\n${answer.headers ?? ""}content-length: ${text.length}\r\n\r\n${text}`;
  });
  const times = { timeout: "0.4s", interval: "0.1s", noTrafficInterval: "0.1s", unhealthyThreshold: 2, healthyThreshold: 2 };
  const cluster = {
    // Envoy else tells its workers of changes once a second.
    commonLbConfig: { healthyPanicThreshold: { value: 0 }, updateMergeWindow: "0s" },
    healthChecks: [{ ...times, ...check }],
  };
  const proxy = await startLoneProxy(kind, { backendPort: backend.port, cluster });
  const flags = async (): Promise<string> => /^outbound.*::health_flags::(.*)$/m.exec(await proxy.get("/clusters"))?.[1] ?? "none";
  try {
    const seen: [string, string][] = [];
    for (const phase of phases) {
      answer = phase.answer;
      const last = await eventually(`${kind}: flags are ${phase.flags}`, 30_000, async () =>
        (await flags()) === phase.flags ? phase.flags : undefined,
      );
      const { status, body } = await call(`http://127.0.0.1:${proxy.port}/`);
      seen.push([last, `${status} ${body}`]);
    }
    for (const path of more) {
      const { status, body } = await call(`http://127.0.0.1:${proxy.port}${path}`);
      if (path !== "/")
        await eventually(`${kind}: the flags change`, 30_000, async () => ((await flags()) === "healthy" ? undefined : true));
      seen.push([await flags(), `${status} ${body}`]);
    }
    const stats = await proxy.stats(/^cluster\.outbound.*\.(health_check|membership)/);
    const short = [...stats].map(([name, value]) => [name.replace(/^.*?local\./, ""), value] as const);
    return {
      asked,
      phases: seen,
      counted: Object.fromEntries(short.filter(([name]) => !NOT_COMPARED.has(name)).map(([name, value]) => [name, value > 0])),
      healthy: stats.get([...stats.keys()].find((name) => name.endsWith("membership_healthy")) ?? "") ?? -1,
    };
  } finally {
    await proxy.stop();
    await backend.close();
  }
}

const HTTP: JsonObject = { path: "/healthz" };

const SCENARIOS: readonly (readonly [what: string, check: JsonObject, phases: readonly Phase[]])[] = [
  [
    "answers of every kind",
    { httpHealthCheck: HTTP },
    [
      { answer: { status: 200 }, flags: "healthy" },
      { answer: { status: 503 }, flags: "/failed_active_hc" },
      { answer: { status: 200, headers: "x-envoy-degraded: 1\r\n" }, flags: "/degraded_active_hc" },
      { answer: "closes", flags: "/failed_active_hc/degraded_active_hc" },
      { answer: { status: 200 }, flags: "healthy" },
      { answer: "silent", flags: "/failed_active_hc/active_hc_timeout" },
      {
        answer: { status: 503, headers: "x-envoy-immediate-health-check-fail: 1\r\n" },
        flags: "/failed_active_hc/excluded_via_immediate_hc_fail",
      },
      { answer: { status: 200 }, flags: "healthy" },
    ],
  ],
  [
    "a host that is bad from the start",
    { httpHealthCheck: { ...HTTP, expectedStatuses: [{ start: 200, end: 300 }] } },
    [
      { answer: { status: 404 }, flags: "/failed_active_hc" },
      { answer: { status: 204 }, flags: "healthy" },
    ],
  ],
  [
    "everything that a check can say",
    {
      reuseConnection: false,
      httpHealthCheck: {
        ...HTTP,
        host: "own.test",
        method: "POST",
        send: { text: "68656c6c6f" },
        receive: [{ text: "6f6b" }],
        requestHeadersToAdd: [{ header: { key: "x-check", value: "yes" } }],
        serviceNameMatcher: { prefix: "web" },
        retriableStatuses: [{ start: 500, end: 501 }],
      },
    },
    [
      { answer: { status: 200, headers: "x-envoy-upstream-healthchecked-cluster: web-1\r\n", body: "is ok." }, flags: "healthy" },
      { answer: { status: 200, headers: "x-envoy-upstream-healthchecked-cluster: db\r\n", body: "is ok." }, flags: "/failed_active_hc" },
      { answer: { status: 200, headers: "x-envoy-upstream-healthchecked-cluster: web-1\r\n", body: "is ok." }, flags: "healthy" },
      { answer: { status: 500, headers: "x-envoy-upstream-healthchecked-cluster: web-1\r\n", body: "is ok." }, flags: "/failed_active_hc" },
    ],
  ],
];

test("leaves a host alone that asks for it in an answer to traffic, as Envoy does", async () => {
  const run = async (kind: "envoy" | "mizzen"): Promise<unknown> => {
    const check = { httpHealthCheck: HTTP, interval: "600s", noTrafficInterval: "600s" };
    const paths = ["/", "/leave-me-alone", "/"];
    const phases: Phase[] = [{ answer: { status: 200 }, flags: "healthy" }];
    const { phases: seen, counted } = await measure(kind, check, phases, paths);
    return { seen, passive: counted["health_check.passive_failure"] };
  };
  const [envoy, ours] = await Promise.all([run("envoy"), run("mizzen")]);
  assert.deepEqual(ours, envoy);
});

for (const [what, check, phases] of SCENARIOS) {
  test(`checks health as Envoy does: ${what}`, async () => {
    const [envoy, ours] = await Promise.all([measure("envoy", check, phases), measure("mizzen", check, phases)]);
    assert.deepEqual(ours, envoy);
  });
}

test("connects for TCP health checks as Envoy does", async () => {
  const run = async (kind: "envoy" | "mizzen"): Promise<unknown> => {
    const received: string[] = [];
    let reply = "pong";
    const host = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (chunk) => {
        if (received.length < 3) received.push(chunk.toString());
        socket.write(reply);
      });
    });
    await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
    const address = host.address();
    const backendPort = typeof address === "object" && address !== null ? address.port : 0;
    const times = { timeout: "0.3s", interval: "0.1s", noTrafficInterval: "0.1s", unhealthyThreshold: 1, healthyThreshold: 1 };
    const tcpHealthCheck = { send: { text: "70696e67" }, receive: [{ text: "70" }, { text: "6e67" }] };
    const proxy = await startLoneProxy(kind, { backendPort, cluster: { healthChecks: [{ ...times, tcpHealthCheck }] } });
    const becomes = async (wanted: string): Promise<string> =>
      eventually(`${kind}: flags are ${wanted}`, 30_000, async () =>
        /^outbound.*::health_flags::(.*)$/m.exec(await proxy.get("/clusters"))?.[1] === wanted ? wanted : undefined,
      );
    try {
      const flags = [await becomes("healthy")];
      reply = "no";
      flags.push(await becomes("/failed_active_hc/active_hc_timeout"));
      reply = "pxng";
      flags.push(await becomes("healthy"));
      return { flags, received };
    } finally {
      await proxy.stop();
      host.close();
    }
  };
  const [envoy, ours] = await Promise.all([run("envoy"), run("mizzen")]);
  assert.deepEqual(ours, envoy);
});
