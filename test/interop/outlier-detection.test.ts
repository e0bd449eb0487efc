// The same failures through a real Envoy and through our proxy: when the host is ejected, what clients get then, when it is taken back,
// and what statistics and /clusters say must be the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import type { LoneProxy } from "../harness/lone-proxy.ts";
import { call, eventually } from "../harness/mesh.ts";
import { startRecordingBackend } from "../harness/recording-backend.ts";

interface Outcome {
  /** Path, status, flags. */
  readonly answers: readonly string[];
  readonly flagsWhenEjected: readonly string[];
  readonly stats: Readonly<Record<string, number>>;
}

/** Envoy 1.40 can also mark hosts as degraded; there is no such detection here, nor the field that asks for it. */
const ENVOYS_ALONE = "ejections_detected_degradation";

async function outlierStats(proxy: LoneProxy): Promise<Record<string, number>> {
  const found = await proxy.stats(/\.outlier_detection\./);
  const names = [...found].map(([name, value]) => [name.replace(/^.*\.outlier_detection\./, ""), value] as const);
  return Object.fromEntries(names.filter(([name]) => name !== ENVOYS_ALONE));
}

const active = (count: number, proxy: LoneProxy): Promise<true> =>
  eventually(`${count} ejections are active`, 30_000, async () =>
    (await outlierStats(proxy))["ejections_active"] === count ? true : undefined,
  );

/** The last of `paths` is to eject the only host. */
async function measure(kind: "envoy" | "mizzen", outlierDetection: JsonObject, paths: readonly string[]): Promise<Outcome> {
  const backend = await startRecordingBackend(({ line }, socket) => {
    if (line.includes("/reset")) socket.destroy();
    if (line.includes("/reset") || line.includes("/silent")) return "";
    const grpc = /\/g(\d+)/.exec(line)?.[1];
    const headers = grpc === undefined ? "" : `content-type: application/grpc\r\ngrpc-status: ${grpc}\r\n`;
    return `HTTP/1.1 ${/\/e(\d+)/.exec(line)?.[1] ?? "200"} x\r\n${headers}content-length: 0\r\n\r\n`;
  });
  const cluster = {
    commonLbConfig: { healthyPanicThreshold: { value: 0 } },
    outlierDetection: { interval: "1s", baseEjectionTime: "2s", maxEjectionPercent: 100, ...outlierDetection },
  };
  const proxy = await startLoneProxy(kind, { backendPort: backend.port, cluster });
  const go = async (path: string): Promise<void> => {
    const headers: Record<string, string> = path.includes("/g") ? { "content-type": "application/grpc" } : {};
    await call(`http://127.0.0.1:${proxy.port}${path}`, { headers }).catch((error: unknown) => error);
  };
  try {
    for (const path of paths) await go(path);
    await active(1, proxy);
    await go("/ejected");
    const flags = (await proxy.get("/clusters")).split("\n").flatMap((line) => /^outbound.*::health_flags::(.*)$/.exec(line)?.[1] ?? []);
    await active(0, proxy);
    await go("/back");
    const answers = await eventually("everything is logged", 30_000, () => {
      const lines = proxy.log().map((line) => line.split(" ").slice(0, 3).join(" "));
      return lines.length === paths.length + 2 ? lines : undefined;
    });
    return { answers, flagsWhenEjected: flags, stats: await outlierStats(proxy) };
  } finally {
    await proxy.stop();
    await backend.close();
  }
}

const SCENARIOS: readonly (readonly [what: string, config: JsonObject, paths: readonly string[]])[] = [
  ["5xx in a row", { consecutive5xx: 3 }, ["/e500", "/e503", "/e404", "/e500", "/e599", "/e501"]],
  [
    "gateway errors in a row, retries among them",
    { consecutive5xx: 0, consecutiveGatewayFailure: 5, enforcingConsecutiveGatewayFailure: 100 },
    ["/e502", "/e500", "/e504", "/e502", "/retry/e503"],
  ],
  ["errors of both origins", { consecutive5xx: 4 }, ["/reset", "/short/silent", "/c", "/g14", "/reset", "/short/silent", "/e500"]],
  [
    "errors of this side alone",
    { splitExternalLocalOriginErrors: true, consecutive5xx: 0, consecutiveLocalOriginFailure: 1 },
    ["/e500", "/e500", "/e503", "/short/silent"],
  ],
];

for (const [what, config, paths] of SCENARIOS) {
  test(`ejects for ${what} as Envoy does`, async () => {
    const [envoy, ours] = await Promise.all([measure("envoy", config, paths), measure("mizzen", config, paths)]);
    assert.deepEqual(ours, envoy);
    assert.match(envoy.answers.at(-2) ?? "", /^\/ejected 503 UH$/);
    assert.match(envoy.answers.at(-1) ?? "", /^\/back 200 -$/);
  });
}
