// Our proxy, Envoy, nginx and HAProxy side by side, each pinned to one core, load and back ends on the other. Cells are interleaved over
// the peers, medians compared; after each cell an xDS proxy's own counters must agree with what the load saw.
import { debianTool } from "../../test/harness/tools.ts";
import { cpuSeconds, rssMb } from "../process-usage.ts";
import type { BenchOptions } from "../run.ts";
import { Counters } from "./counters.ts";
import type { Counts } from "./counters.ts";
import { Bench, PEERS } from "./peers.ts";
import type { Peer, PeerName } from "./peers.ts";
import { median } from "./quantile.ts";
import { idleConnections, sidecarMemory, tenThousandRoutes } from "./resource-cells.ts";
import { TRAFFIC_CELLS } from "./traffic-cells.ts";
import type { LoadTools, TrafficCell } from "./traffic-cells.ts";

const RESOURCE_CELLS = ["idle", "routes", "memory"];

interface Measured {
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rssMb: number;
  readonly errors: number;
  readonly counts: Counts;
}

async function measure(cell: TrafficCell, peer: Peer, seconds: number, tools: LoadTools): Promise<Measured> {
  const counted = peer.discovery === undefined || cell.managers.length === 0 ? undefined : new Counters(peer.discovery.adminPort, cell);
  await counted?.begin();
  const cpuBefore = cpuSeconds(peer.pid);
  const { answered, errors, perSecond, p50Ms, p99Ms } = await cell.load(peer, seconds, tools);
  const cpu = cpuSeconds(peer.pid) - cpuBefore;
  if (answered === 0) throw new Error(`${peer.name} answered nothing in "${cell.title}"`);
  const counts = (await counted?.agree(peer.name, answered)) ?? {};
  return { perSecond, cpuMicros: (cpu * 1e6) / answered, p50Ms, p99Ms, rssMb: rssMb(peer.pid), errors, counts };
}

type Row = Omit<Measured, "counts">;

function medians(runs: readonly Measured[]): Row {
  const of = (value: (run: Measured) => number): number => median(runs.map(value));
  return {
    perSecond: of((run) => run.perSecond),
    cpuMicros: of((run) => run.cpuMicros),
    p50Ms: of((run) => run.p50Ms),
    p99Ms: of((run) => run.p99Ms),
    rssMb: of((run) => run.rssMb),
    errors: runs.reduce((sum, { errors }) => sum + errors, 0),
  };
}

async function trafficCell(cell: TrafficCell, peers: readonly Peer[], { seconds, runs }: BenchOptions, tools: LoadTools) {
  const measured = new Map<PeerName, Measured[]>(peers.map(({ name }) => [name, []]));
  for (const peer of peers) await cell.load(peer, 1, tools);
  for (let run = 0; run < runs; run++) for (const peer of peers) measured.get(peer.name)?.push(await measure(cell, peer, seconds, tools));
  const rows = new Map([...measured].map(([name, list]) => [name, medians(list)]));
  console.log(`\n${cell.title}`);
  console.log("peer          rate/s   us CPU   p50 ms   p99 ms   RSS MB   errors");
  for (const [name, row] of rows) {
    const cells = [row.p50Ms.toFixed(2), row.p99Ms.toFixed(2), row.rssMb.toFixed(0), String(row.errors)].map((text) => text.padStart(8));
    console.log(`${name.padEnd(8)} ${row.perSecond.toFixed(0).padStart(11)} ${row.cpuMicros.toFixed(1).padStart(8)} ${cells.join(" ")}`);
  }
  const [ours, envoy] = [rows.get("mizzen"), rows.get("envoy")];
  let ratios = {};
  if (ours !== undefined && envoy !== undefined) {
    ratios = { rate: ours.perSecond / envoy.perSecond, cpu: envoy.cpuMicros / ours.cpuMicros, p99: ours.p99Ms / envoy.p99Ms };
    console.log(ratioLine(cell, ours, envoy));
  }
  return { title: cell.title, ratios, rows: Object.fromEntries(rows), runs: Object.fromEntries(measured) };
}

function ratioLine({ target }: TrafficCell, ours: Row, envoy: Row): string {
  const text = `mizzen / envoy: ${(ours.perSecond / envoy.perSecond).toFixed(2)} x rate (${(envoy.cpuMicros / ours.cpuMicros).toFixed(2)} x by CPU), ${(ours.p99Ms / envoy.p99Ms).toFixed(2)} x p99`;
  if (target === undefined) return text;
  return `${text}; target ${target.of} ${target.of === "rate" ? ">=" : "<="} ${target.ratio} x`;
}

async function resourceCell(name: string, peers: readonly Peer[], options: BenchOptions, bench: Bench, tools: LoadTools): Promise<unknown> {
  if (name === "memory") {
    const sidecars = await sidecarMemory(bench);
    const afterLoad = Object.fromEntries(peers.map((peer) => [peer.name, rssMb(peer.pid)]));
    console.log(
      `\nMemory: one sidecar ${sidecars.firstMb.toFixed(0)} MB, each further one ${sidecars.furtherMb.toFixed(1)} MB (targets 120, 3)`,
    );
    for (const [peer, mb] of Object.entries(afterLoad)) console.log(`${peer.padEnd(8)} after all cells ${mb.toFixed(0)} MB`);
    return { ...sidecars, afterLoad };
  }
  if (name === "idle") {
    const results = new Map<string, number>();
    for (const peer of peers) results.set(peer.name, (await idleConnections(peer)).kbEach);
    console.log("\n1,000 idle connections, KB each");
    for (const [peer, kb] of results) console.log(`${peer.padEnd(8)} ${kb.toFixed(1)}`);
    return Object.fromEntries(results);
  }
  const results: Record<string, unknown> = {};
  console.log("\n10,000 routes   applied ms   pause ms (quiet)   CPU ms   memory MB   us a request (50 hosts)");
  for (const peer of peers) {
    const lists = [];
    for (let run = 0; run < options.runs; run++) lists.push(await tenThousandRoutes(peer, options.seconds, tools.wrk));
    const runs = lists.filter((run) => run !== undefined);
    if (runs.length === 0) continue;
    const of = (value: (run: (typeof runs)[number]) => number): number => median(runs.map(value));
    const pause = `${of((run) => run.pauseMs).toFixed(1)} (${of((run) => run.quietMs).toFixed(1)})`;
    const numbers = [
      of((run) => run.cpuMs)
        .toFixed(0)
        .padStart(8),
      of((run) => run.memoryMb)
        .toFixed(1)
        .padStart(11),
      `${of((run) => run.microsPerRequest).toFixed(1)} (${of((run) => run.microsBefore).toFixed(1)})`.padStart(24),
    ];
    console.log(
      `${peer.name.padEnd(12)} ${of((run) => run.applyMs)
        .toFixed(0)
        .padStart(13)} ${pause.padStart(18)} ${numbers.join(" ")}`,
    );
    results[peer.name] = runs;
  }
  return results;
}

/** Runs the cells that are wanted and prints their tables. */
export async function bench(options: BenchOptions): Promise<unknown> {
  const known = [...Object.keys(TRAFFIC_CELLS), ...RESOURCE_CELLS];
  const unknown = options.parts.filter((part) => !known.includes(part));
  if (unknown.length > 0) throw new Error(`no such cell: ${unknown.join(", ")}; there are ${known.join(", ")}`);
  const wanted = options.parts.length === 0 ? known : options.parts;
  const wrk = debianTool("wrk", "wrk");
  debianTool("taskset", "util-linux");
  const place = new Bench();
  const cells: Record<string, unknown> = {};
  try {
    await place.startBackends();
    const tools = { wrk, postScript: place.postScript };
    const peers: Peer[] = [];
    if (wanted.some((name) => name !== "memory")) for (const name of PEERS) peers.push(await place.startPeer(name));
    for (const name of wanted) {
      const traffic = TRAFFIC_CELLS[name];
      cells[name] = await (traffic === undefined
        ? resourceCell(name, peers, options, place, tools)
        : trafficCell(traffic, peers, options, tools));
    }
  } finally {
    await place.close();
  }
  return { bench: "data-plane", seconds: options.seconds, runs: options.runs, cells };
}
