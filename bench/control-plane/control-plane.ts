// `npm run bench -- control-plane [edit] [curve] [many] [flap]`: how soon an edited file is live on the last of 1, 10 and 100 clients, what that costs the control
// plane in CPU and memory, what a forced full push costs, and how all of it grows from 10 to 10,000 services. Clients speak the
// state-of-the-world protocol from another process; istiod's figures for the same load are printed beside ours.
import { fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../test/harness/free-port.ts";
import { call, eventually, ROOT } from "../../test/harness/mesh.ts";
import { cpuSeconds, rssMb } from "../process-usage.ts";
import type { BenchOptions } from "../run.ts";
import type { ClientsReport, ClientsRequest } from "./clients-process.ts";
import { virtualService, virtualServiceFile, writeMeshLoad } from "./mesh-load.ts";

const SERVICES = 1_000;
const CLIENTS = [1, 10, 100];
const CURVE = [10, 100, 1_000, 10_000];

/** Medians of istiod 1.32-dev with objects from a Kubernetes API on a machine of two cores. */
const ISTIOD: Readonly<Record<number, { readonly editS: number; readonly cpuS: number; readonly rssMb: number }>> = {
  1: { editS: 0.19, cpuS: 0.21, rssMb: 236 },
  10: { editS: 0.375, cpuS: 0.51, rssMb: 387 },
  100: { editS: 2.46, cpuS: 3.73, rssMb: 640 },
};
const ISTIOD_FULL_PUSH = { lastS: 3.13, cpuS: 4.56 };

class Clients {
  readonly #process: ChildProcess;

  constructor(port: number) {
    this.#process = fork(join(import.meta.dirname, "clients-process.ts"), [String(port)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
  }

  async ask(request: ClientsRequest): Promise<ClientsReport> {
    this.#process.send(request);
    const [report] = (await once(this.#process, "message")) as [ClientsReport];
    return report;
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const gone = once(this.#process, "exit");
    this.#process.kill();
    await gone;
  }
}

interface ControlPlaneProcess {
  readonly pid: number;
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly readyS: number;
  close(): Promise<void>;
}

async function startControlPlaneProcess(directory: string, dataDirectory: string): Promise<ControlPlaneProcess> {
  const [grpcPort, httpPort] = [await freePort(), await freePort()];
  const startedMs = performance.now();
  const child = spawn(
    process.execPath,
    [
      // As the launcher and `mizzen up` start it.
      "--disable-warning=ExperimentalWarning",
      "--max-semi-space-size=4",
      join(ROOT, "src/cli/main.ts"),
      "control-plane",
      "-f",
      directory,
      "--grpc-port",
      String(grpcPort),
      "--http-port",
      String(httpPort),
      "--data-dir",
      dataDirectory,
      "--log-level",
      "warn",
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  await eventually("the control plane to be ready", 60_000, async () => (await call(`http://127.0.0.1:${httpPort}/ready`)).status === 200);
  return {
    pid: child.pid!,
    grpcPort,
    httpPort,
    readyS: (performance.now() - startedMs) / 1000,
    close: async () => {
      const gone = once(child, "exit");
      child.kill();
      await gone;
    },
  };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

interface Edit {
  readonly lastS: number;
  readonly cpuS: number;
}

let marks = 0;

/** Saves one VirtualService with a mark of its own and waits until every client has been sent it. */
async function edit(directory: string, plane: ControlPlaneProcess, clients: Clients): Promise<Edit> {
  const mark = `MARK${++marks}`;
  const expected = clients.ask({ type: "expect", mark });
  const [cpuBefore, startedMs] = [cpuSeconds(plane.pid), performance.now()];
  writeFileSync(virtualServiceFile(directory, 3), virtualService(3, mark));
  await expected;
  const lastS = (performance.now() - startedMs) / 1000;
  await settled(plane);
  return { lastS, cpuS: cpuSeconds(plane.pid) - cpuBefore };
}

/** The CPU of a change is counted until nothing more happens. */
async function settled({ pid }: ControlPlaneProcess): Promise<void> {
  let before = -1;
  await eventually("the control plane to be idle", 60_000, async () => {
    const now = cpuSeconds(pid);
    const quiet = now - before < 0.02;
    before = now;
    if (!quiet) await new Promise((resolve) => setTimeout(resolve, 200));
    return quiet;
  });
}

interface Row {
  readonly services: number;
  readonly clients: number;
  readonly readyS: number;
  readonly editS: number;
  readonly editCpuS: number;
  readonly rssMb: number;
}

async function measure(services: number, counts: readonly number[], runs: number, print: (row: Row) => void): Promise<readonly Row[]> {
  const directory = mkdtempSync(join(tmpdir(), "mizzen-bench-"));
  const load = join(directory, "load");
  const rows: Row[] = [];
  writeMeshLoad(load, services);
  const plane = await startControlPlaneProcess(load, join(directory, "data"));
  const clients = new Clients(plane.grpcPort);
  try {
    for (const count of counts) {
      await clients.ask({ type: "connect", count });
      await settled(plane);
      const edits: Edit[] = [];
      for (let run = 0; run < runs; run++) edits.push(await edit(load, plane, clients));
      const row: Row = {
        services,
        clients: count,
        readyS: plane.readyS,
        editS: median(edits.map(({ lastS }) => lastS)),
        editCpuS: median(edits.map(({ cpuS }) => cpuS)),
        rssMb: rssMb(plane.pid),
      };
      rows.push(row);
      print(row);
    }
    if (services === SERVICES) await fullPush(plane, clients);
  } finally {
    await clients.close();
    await plane.close();
    rmSync(directory, { recursive: true });
  }
  return rows;
}

async function fullPush(plane: ControlPlaneProcess, clients: Clients): Promise<void> {
  const expected = clients.ask({ type: "expect-all" });
  const [cpuBefore, startedMs] = [cpuSeconds(plane.pid), performance.now()];
  await call(`http://127.0.0.1:${plane.httpPort}/debug/adsz?push=true`, { method: "POST" });
  await expected;
  const lastS = (performance.now() - startedMs) / 1000;
  await settled(plane);
  const cpuS = cpuSeconds(plane.pid) - cpuBefore;
  console.log(
    `full push: last client ${lastS.toFixed(2)} s, ${cpuS.toFixed(2)} CPU s (istiod ${ISTIOD_FULL_PUSH.lastS} s, ${ISTIOD_FULL_PUSH.cpuS} CPU s)`,
  );
}

/** An application that reports itself healthy and unhealthy in turn: how much does a flapping endpoint cost? */
async function flapping(): Promise<unknown> {
  const directory = mkdtempSync(join(tmpdir(), "mizzen-bench-"));
  const load = join(directory, "load");
  writeMeshLoad(load, SERVICES);
  writeFileSync(join(load, "flapping.yaml"), FLAPPING);
  const plane = await startControlPlaneProcess(load, join(directory, "data"));
  const clients = new Clients(plane.grpcPort);
  try {
    await clients.ask({ type: "connect", count: FLAPPING_CLIENTS });
    await settled(plane);
    const [cpuBefore, startedMs] = [cpuSeconds(plane.pid), performance.now()];
    const report = await clients.ask({ type: "flap", seconds: FLAPPING_SECONDS, perSecond: FLAPS_PER_SECOND });
    const seconds = (performance.now() - startedMs) / 1000;
    const cpuS = cpuSeconds(plane.pid) - cpuBefore;
    const sent = Object.entries(report.responses ?? {}).map(
      ([type, count]) => `${type} ${(count / seconds / FLAPPING_CLIENTS).toFixed(1)}/s a client`,
    );
    console.log(
      `an endpoint that flaps ${FLAPS_PER_SECOND} times a second, ${FLAPPING_CLIENTS} clients: ${(cpuS / seconds).toFixed(2)} cores, ${sent.join(", ")}`,
    );
    return { cores: cpuS / seconds, responses: report.responses };
  } finally {
    await clients.close();
    await plane.close();
    rmSync(directory, { recursive: true });
  }
}

/** Many clients of a small mesh in one process of ours. */
async function manyClients(runs: number, print: (row: Row) => void): Promise<readonly Row[]> {
  return measure(SMALL_MESH, [MANY_CLIENTS], runs, print);
}

const FLAPPING = `apiVersion: networking.istio.io/v1
kind: WorkloadGroup
metadata: { name: flapping, namespace: default }
spec: { metadata: { labels: { app: flapping } }, template: {} }
---
apiVersion: v1
kind: Service
metadata: { name: flapping, namespace: default }
spec: { clusterIP: 10.96.200.1, selector: { app: flapping }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
`;
const FLAPPING_CLIENTS = 10;
const FLAPPING_SECONDS = 5;
const FLAPS_PER_SECOND = 100;
const MANY_CLIENTS = 2_000;
const SMALL_MESH = 10;

export async function bench({ runs, parts }: BenchOptions): Promise<unknown> {
  const wanted = (part: string): boolean => parts.length === 0 || parts.includes(part);
  console.log("services  clients  ready s  edit s  edit CPU s  memory MB   istiod: edit s  CPU s  MB");
  const print = (row: Row): void => {
    const peer = row.services === SERVICES ? ISTIOD[row.clients] : undefined;
    const cells = [
      String(row.services).padStart(8),
      String(row.clients).padStart(8),
      row.readyS.toFixed(2).padStart(8),
      row.editS.toFixed(3).padStart(7),
      row.editCpuS.toFixed(2).padStart(11),
      row.rssMb.toFixed(0).padStart(10),
      peer === undefined ? "" : `${peer.editS.toFixed(3).padStart(17)}  ${peer.cpuS.toFixed(2)}  ${peer.rssMb}`,
    ];
    console.log(cells.join(" "));
  };
  const rows: Row[] = [];
  if (wanted("edit")) rows.push(...(await measure(SERVICES, CLIENTS, runs, print)));
  if (wanted("curve")) for (const services of CURVE) rows.push(...(await measure(services, [1], runs, print)));
  if (wanted("many")) rows.push(...(await manyClients(runs, print)));
  const flaps = wanted("flap") ? await flapping() : undefined;
  return { rows, flaps };
}
