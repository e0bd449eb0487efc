// `npm run bench -- analyze`: wall time and peak memory of `mizzen validate` and `mizzen analyze` over generated configuration, from 10 to
// 10,000 objects: a growth above linear is what this bench is there to show.
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "#runtime/random";
import type { Random } from "#runtime/random";
import type { BenchOptions } from "./run.ts";

/** Of all objects: half ServiceEntries with 10 endpoints each, a quarter VirtualServices, a quarter DestinationRules. */
const SIZES = [10, 100, 1_000, 2_000, 10_000];
const ENDPOINTS = 10;
const DOCUMENTS_A_FILE = 500;
const SEED = 20_261_123;

interface Measurement {
  readonly objects: number;
  readonly command: string;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly megabytes: number;
}

const address = (random: Random): string => `10.${random.integer(256)}.${random.integer(256)}.${1 + random.integer(254)}`;

function serviceEntry(index: number, random: Random): string {
  const endpoints = Array.from(
    { length: ENDPOINTS },
    () =>
      `  - address: ${address(random)}\n    ports:\n      http: ${8000 + random.integer(1000)}\n    labels:\n      version: v${1 + random.integer(3)}\n`,
  ).join("");
  return `apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata:
  name: entry-${index}
  namespace: default
spec:
  hosts:
  - host-${index}.example.com
  location: MESH_EXTERNAL
  ports:
  - number: 80
    name: http
    protocol: HTTP
  resolution: STATIC
  endpoints:
${endpoints}`;
}

function virtualService(index: number, random: Random): string {
  const weight = 1 + random.integer(99);
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: routes-${index}
  namespace: default
spec:
  hosts:
  - host-${index}.example.com
  http:
  - match:
    - uri:
        prefix: /api/${random.integer(1000)}
      headers:
        end-user:
          exact: user-${random.integer(1000)}
    route:
    - destination:
        host: host-${index}.example.com
        subset: v1
      weight: ${weight}
    - destination:
        host: host-${index}.example.com
        subset: v2
      weight: ${100 - weight}
    timeout: ${1 + random.integer(9)}s
  - route:
    - destination:
        host: host-${index}.example.com
        subset: v1
`;
}

function destinationRule(index: number): string {
  return `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata:
  name: rule-${index}
  namespace: default
spec:
  host: host-${index}.example.com
  trafficPolicy:
    connectionPool:
      http:
        http1MaxPendingRequests: 100
  subsets:
  - name: v1
    labels:
      version: v1
  - name: v2
    labels:
      version: v2
`;
}

/** Files of a size that people have. */
function configuration(objects: number): readonly string[] {
  const random = seededRandom(SEED);
  const documents: string[] = [];
  for (let index = 0; index < objects / 2; index++) documents.push(serviceEntry(index, random));
  for (let index = 0; index < objects / 4; index++) documents.push(virtualService(index, random), destinationRule(index));
  const files: string[] = [];
  for (let start = 0; start < documents.length; start += DOCUMENTS_A_FILE) {
    files.push(documents.slice(start, start + DOCUMENTS_A_FILE).join("---\n"));
  }
  return files;
}

/** One process, as a user starts it. */
function measure(command: string, objects: number, args: readonly string[]): Measurement {
  const usage =
    "process.on('exit',()=>{const u=process.resourceUsage();require('node:fs').writeSync(2,'USAGE '+JSON.stringify([u.userCPUTime+u.systemCPUTime,u.maxRSS]))})";
  const preload = `data:text/javascript,${encodeURIComponent(`import{createRequire}from'node:module';const require=createRequire('file:///');${usage}`)}`;
  const started = performance.now();
  const run = spawnSync(process.execPath, ["--import", preload, join(import.meta.dirname, "../src/cli/main.ts"), command, ...args], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  const seconds = (performance.now() - started) / 1000;
  const found = /USAGE (\[.*\])/u.exec(run.stderr)?.[1];
  if (run.status !== 0 || found === undefined)
    throw new Error(`mizzen ${command} ended with ${run.status}: ${run.stdout.slice(0, 500)}${run.stderr.slice(0, 500)}`);
  const [cpuMicros = 0, kilobytes = 0] = JSON.parse(found) as readonly number[];
  return { objects, command, seconds, cpuSeconds: cpuMicros / 1e6, megabytes: kilobytes / 1024 };
}

function median(measurements: readonly Measurement[]): Measurement | undefined {
  return measurements.toSorted((a, b) => a.seconds - b.seconds)[Math.floor(measurements.length / 2)];
}

export async function bench({ runs }: BenchOptions): Promise<readonly Measurement[]> {
  const folder = join(tmpdir(), `mizzen-bench-analyze-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const results: Measurement[] = [];
  try {
    for (const objects of SIZES) {
      const directory = join(folder, String(objects));
      mkdirSync(directory, { recursive: true });
      for (const [index, text] of configuration(objects).entries()) writeFileSync(join(directory, `mesh-${index}.yaml`), text);
      for (const [command, args] of [
        ["validate", ["-f", directory]],
        ["analyze", [directory]],
      ] as const) {
        const result = median(Array.from({ length: runs }, () => measure(command, objects, args)));
        if (result === undefined) continue;
        results.push(result);
        const { seconds, cpuSeconds, megabytes } = result;
        console.log(
          `${command.padEnd(8)} ${String(objects).padStart(6)} objects  ${seconds.toFixed(2)} s  ${cpuSeconds.toFixed(2)} CPU s  ${megabytes.toFixed(0)} MB  ${((seconds / objects) * 1e6).toFixed(0)} us an object`,
        );
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return results;
}
