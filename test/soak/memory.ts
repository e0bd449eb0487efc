// Whether the memory of a process is flat: samples of what it holds, and the slope of a line through them.
import { rssMb } from "../harness/processes.ts";

interface Sample {
  readonly atMs: number;
  readonly mb: number;
}

/** What is left after each full garbage collection, by isolate: the main thread and each traffic thread have one. Node tells with --trace-gc. */
const FULL_COLLECTION =
  /^\[\d+:(0x[0-9a-f]+)\]\s+\d+ ms: (?:Incremental )?Mark-Compact (?:\([a-z]+\) )?[\d.]+ \([\d.]+\) -> ([\d.]+) \([\d.]+\) MB/;

export class MemoryWatch {
  readonly #pid: number;
  readonly #nowMs: () => number;
  readonly rss: Sample[] = [];
  readonly heaps = new Map<string, Sample[]>();
  #text = "";

  constructor(pid: number, nowMs: () => number) {
    this.#pid = pid;
    this.#nowMs = nowMs;
  }

  sample(): void {
    this.rss.push({ atMs: this.#nowMs(), mb: rssMb(this.#pid) });
  }

  /** What the process says on its standard output. */
  read(text: string): void {
    const lines = (this.#text + text).split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) {
      const match = FULL_COLLECTION.exec(line);
      if (match === null) continue;
      const [, isolate = "", mb = ""] = match;
      const samples = this.heaps.get(isolate) ?? [];
      samples.push({ atMs: this.#nowMs(), mb: Number(mb) });
      this.heaps.set(isolate, samples);
    }
  }
}

const WINDOW_MS = 20_000;

/** The least of each window: collections come when they come, and what is above it is theirs to free. */
export function lowest(samples: readonly Sample[]): readonly Sample[] {
  const least = new Map<number, Sample>();
  for (const sample of samples) {
    const window = Math.floor(sample.atMs / WINDOW_MS);
    const before = least.get(window);
    if (before === undefined || sample.mb < before.mb) least.set(window, sample);
  }
  return [...least.values()];
}

/** MB a minute over the last two thirds of the time, by least squares; undefined: too few samples to say. */
export function slope(samples: readonly Sample[], fromMs: number, toMs: number): number | undefined {
  const late = samples.filter(({ atMs }) => atMs >= fromMs + (toMs - fromMs) / 3);
  if (late.length < 4) return undefined;
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanMs = mean(late.map(({ atMs }) => atMs));
  const meanMb = mean(late.map(({ mb }) => mb));
  const covariance = mean(late.map(({ atMs, mb }) => (atMs - meanMs) * (mb - meanMb)));
  const variance = mean(late.map(({ atMs }) => (atMs - meanMs) ** 2));
  return (covariance / variance) * 60_000;
}
