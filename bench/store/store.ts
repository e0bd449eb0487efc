// `npm run bench -- store [memory|sqlite|etcd|"etcd directly"|live ...]`: the object store on each journal at 1,000 and 10,000 objects, beside
// etcd used directly by the same client: filling, single and concurrent writes, lists, 100 watchers, memory of the process; then how long an
// edit takes until it is live on 10 proxies.
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { Etcd } from "../../test/harness/etcd.ts";
import type { BenchOptions } from "../run.ts";
import { measureApplyToLive, type LiveRow } from "./apply-to-live.ts";
import { STORES, type StoreReport, type StoreRequest } from "./store-process.ts";

const SIZES = [1_000, 10_000];

async function measure(request: StoreRequest): Promise<StoreReport> {
  const child = fork(join(import.meta.dirname, "store-process.ts"), { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  child.send(request);
  const [report] = (await Promise.race([once(child, "message"), once(child, "exit")])) as [StoreReport | number];
  if (typeof report === "number") throw new Error(`the process that measures ${request.store} ended with ${report}`);
  return report;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

const COLUMNS: readonly (readonly [keyof StoreReport, string, number])[] = [
  ["fillMs", "fill ms", 0],
  ["writeP50Ms", "write p50 ms", 2],
  ["writeP99Ms", "p99 ms", 2],
  ["writesPerSecond", "writes/s (16)", 0],
  ["listMs", "list ms", 2],
  ["page500Ms", "page 500 ms", 2],
  ["fanOutMs", "100x100 ms", 0],
  ["rssMb", "RSS MB", 0],
];

export async function bench({ runs, parts }: BenchOptions): Promise<unknown> {
  const isWanted = (part: string): boolean => parts.length === 0 || parts.includes(part);
  const rows = await measureStores(
    runs,
    STORES.filter((store) => isWanted(store)),
  );
  const live = isWanted("live") ? await measureApplyToLive() : [];
  if (live.length > 0) printLive(live);
  return { runs, rows, live };
}

function printLive(rows: readonly LiveRow[]): void {
  const columns = ["live p50 ms", "live max ms", "command p50 ms"];
  console.log(`${"an edit by".padEnd(22)}${columns.map((title) => title.padStart(15)).join("")}`);
  for (const { way, liveP50Ms, liveMaxMs, endP50Ms } of rows) {
    console.log(`${way.padEnd(22)}${[liveP50Ms, liveMaxMs, endP50Ms].map((value) => value.toFixed(0).padStart(15)).join("")}`);
  }
}

async function measureStores(runs: number, stores: readonly StoreRequest["store"][]): Promise<readonly object[]> {
  if (stores.length === 0) return [];
  await using etcd = await Etcd.start();
  const cells = new Map<string, StoreReport[]>();
  for (let run = 0; run < runs; run++) {
    for (const objects of SIZES) {
      for (const store of stores) {
        const cell = `${store} ${objects}`;
        const prefix = `/bench-${run}-${objects}-${store.replace(" ", "-")}`;
        const report = await measure({ store, objects, endpoint: etcd.endpoint, prefix });
        cells.set(cell, [...(cells.get(cell) ?? []), report]);
      }
    }
  }
  console.log(`${"store".padEnd(22)}${COLUMNS.map(([, title]) => title.padStart(15)).join("")}`);
  return [...cells].map(([cell, reports]) => {
    const row = Object.fromEntries(COLUMNS.map(([column]) => [column, median(reports.map((report) => report[column]))]));
    console.log(`${cell.padEnd(22)}${COLUMNS.map(([column, , digits]) => (row[column] ?? 0).toFixed(digits).padStart(15)).join("")}`);
    return { cell, ...row };
  });
}
