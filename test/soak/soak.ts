// A data plane under mixed load for minutes, while its configuration changes every second and its hosts come, drain and die. No failure may
// be left that no fault explains, and memory must stay flat.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isFree } from "#agent/instance-address";
import { seededRandom } from "#runtime/random";
import { benchBootstrap } from "../../bench/sidecar-resources.ts";
import { freePort } from "../harness/free-port.ts";
import { call, eventually, ROOT, START_MS } from "../harness/mesh.ts";
import { descriptorCount } from "../harness/processes.ts";
import { startReplayServer } from "../replay/ads-server.ts";
import { FakeAuthority } from "#proxy/net/certificates.fake";
import { Faults } from "./faults.ts";
import { Hosts } from "./hosts.ts";
import { lowest, MemoryWatch, slope } from "./memory.ts";
import { makeLoad } from "./operations.ts";
import type { Operation } from "./operations.ts";
import { resources } from "./resources.ts";
import type { Configuration, ListenPorts } from "./resources.ts";

export interface SoakOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

interface Failure {
  readonly operation: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly message: string;
}

export interface SoakResult {
  readonly done: ReadonlyMap<string, number>;
  /** Failures that the end of a host explains, by operation. */
  readonly explained: ReadonlyMap<string, number>;
  readonly unexplained: readonly Failure[];
  readonly faults: ReadonlyMap<string, number>;
  /** MB a minute, by what; undefined: too few samples. */
  readonly slopes: ReadonlyMap<string, number | undefined>;
  /** What is wrong at the end: gauges that are not 0, descriptors, refused configurations. */
  readonly leftovers: readonly string[];
}

const HOSTS = 3;
const CHANGE_MS = 1_000;
const RESTART_MS = 4_000;
const PAUSE_MS = 25;
const SAMPLE_MS = 1_000;
/** Before that, caches and pools fill. */
const WARM_UP_S = 3;
const GAUGES = /(downstream_rq_active|downstream_cx_active|upstream_rq_active|upstream_rq_pending_active|upgrades_active|internal_error)$/;

export async function soak({ seconds, seed, say }: SoakOptions): Promise<SoakResult> {
  const nowMs = (): number => performance.now();
  const random = seededRandom(seed);
  const authority = new FakeAuthority();
  const root = authority.root.certificate;
  const pair = authority.issue({ hosts: ["soak.example", "host.example"] });
  const hosts = new Hosts(pair);
  for (let i = 0; i < HOSTS; i++) await hosts.add();
  const ports: ListenPorts = { http: await freePort(), tls: await freePort(), tcp: await freePort() };
  const configuration: Configuration = {
    hosts: hosts.ports,
    routeRevision: 1,
    clusterRevision: 0,
    listenerRevision: 0,
    certificate: pair,
    root,
  };
  const ads = await startReplayServer(resources(ports, configuration));
  const work = mkdtempSync(join(tmpdir(), "mizzen-soak-"));
  const adminPort = await freePort();
  const bootstrap = join(work, "bootstrap.json");
  writeFileSync(
    bootstrap,
    JSON.stringify(benchBootstrap("router~127.0.0.1~soak-1.default~default.svc.cluster.local", ads.port, adminPort)),
  );
  const child = spawn(process.execPath, ["--trace-gc", join(ROOT, "bench/data-plane-process.ts"), bootstrap], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-5_000)));
  const ended = new Promise<void>((done) => child.on("close", () => done()));
  const killNow = (): void => void child.kill("SIGKILL");
  process.on("exit", killNow);
  const pid = child.pid ?? -1;
  const admin = async (path: string): Promise<string> => (await call(`http://127.0.0.1:${adminPort}${path}`)).body;
  const busy = async (): Promise<string[]> =>
    (await admin("/stats"))
      .split("\n")
      .filter((line) => GAUGES.test(line.split(": ")[0] ?? "") && !line.endsWith(": 0") && !line.startsWith("cluster.xds-grpc"));

  try {
    await eventually("the proxy listens", START_MS, async () => {
      if (child.exitCode !== null) throw new Error(`the proxy ended with ${child.exitCode}: ${errors}`);
      const taken = await Promise.all(Object.values(ports).map(async (port: number) => !(await isFree("127.0.0.1", port))));
      return taken.every(Boolean);
    });
    const memory = new MemoryWatch(pid, nowMs);
    child.stdout.on("data", (chunk: Buffer) => memory.read(chunk.toString()));
    const load = makeLoad(ports, { pair, root });
    const faults = new Faults({
      hosts,
      authority,
      configuration,
      random: () => random.next(),
      nowMs,
      apply: (next) => ads.set(resources(ports, next)),
      isLeft: async (left) => {
        await eventually("a host is left", 10_000, async () => {
          const text = await admin("/clusters");
          return !Object.values(left).some((port: number) => text.includes(`127.0.0.1:${port}::`));
        });
      },
    });
    const startMs = nowMs();
    const endMs = startMs + seconds * 1000;
    const done = new Map<string, number>();
    const failures: (Failure & { readonly triedAgain: boolean })[] = [];
    const client = async (operation: Operation): Promise<void> => {
      while (nowMs() < endMs) {
        const fromMs = nowMs();
        try {
          await operation.run();
          done.set(operation.name, (done.get(operation.name) ?? 0) + 1);
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error);
          failures.push({ operation: operation.name, triedAgain: operation.triedAgain, fromMs, toMs: nowMs(), message });
        }
        await new Promise((goOn) => setTimeout(goOn, PAUSE_MS));
      }
    };
    const every = async (ms: number, act: (turn: number) => Promise<void> | void): Promise<void> => {
      for (let turn = 0; nowMs() + ms < endMs; turn++) {
        await new Promise((goOn) => setTimeout(goOn, ms));
        await act(turn);
      }
    };
    let descriptors = 0;
    await Promise.all([
      ...load.operations.flatMap((operation) => Array.from({ length: operation.clients }, () => client(operation))),
      every(CHANGE_MS, () => faults.changeConfiguration()),
      every(RESTART_MS, (turn) => (turn % 2 === 0 ? faults.restartInOrder() : faults.kill())),
      every(SAMPLE_MS, () => memory.sample()),
      every(10_000, (turn) => {
        descriptors = descriptorCount(pid);
        if (turn % 6 === 5)
          say(
            `${Math.round((nowMs() - startMs) / 1000)} s: ${memory.rss.at(-1)?.mb.toFixed(0)} MB, ${descriptors} descriptors, ${failures.length} failures`,
          );
      }),
    ]);
    load.close();

    const leftovers: string[] = [];
    let left: readonly string[] = [];
    await eventually("the proxy is at rest", 15_000, async () => (left = await busy()).length === 0).catch(() =>
      leftovers.push(...left.map((line) => `not at rest: ${line}`)),
    );
    leftovers.push(...ads.nacks.map((nack) => `refused: ${JSON.stringify(nack)}`));
    if (child.exitCode !== null) leftovers.push(`the proxy ended with ${child.exitCode}`);
    if (errors !== "") leftovers.push(...errors.trim().split("\n").slice(-5));
    const fromMs = startMs + WARM_UP_S * 1000;
    const slopes = new Map<string, number | undefined>([["RSS", slope(lowest(memory.rss), fromMs, endMs)]]);
    for (const [isolate, samples] of memory.heaps) slopes.set(`heap ${isolate}`, slope(samples, fromMs, endMs));
    const explained = new Map<string, number>();
    const unexplained: Failure[] = [];
    for (const failure of failures) {
      const felt = faults.deaths.some((death) => failure.toMs >= death.fromMs && failure.fromMs <= death.untilMs);
      // What is tried again fails only where an answer had begun.
      const begun = /half an answer|aborted|ECONNRESET|socket hang up|RST_STREAM|NGHTTP2_INTERNAL_ERROR|other side closed|terminated/.test(
        failure.message,
      );
      if (felt && (!failure.triedAgain || begun)) explained.set(failure.operation, (explained.get(failure.operation) ?? 0) + 1);
      else unexplained.push(failure);
    }
    return { done, explained, unexplained, faults: faults.counts, slopes, leftovers };
  } finally {
    child.kill("SIGTERM");
    const timer = setTimeout(killNow, 5_000);
    await ended;
    clearTimeout(timer);
    process.off("exit", killNow);
    await hosts.close();
    await ads.close();
    rmSync(work, { recursive: true, force: true });
  }
}
