// Compression libraries: a message of Envoy's configuration -> a maker of streams over node:zlib.
import type { Transform } from "node:stream";

export interface CoderFactory {
  /** In content-encoding and accept-encoding. */
  readonly encoding: "gzip" | "br" | "zstd";
  /** In names of statistics. */
  readonly statName: "gzip" | "brotli" | "zstd";
  /** 0: any. How much longer than its input the output may be. */
  readonly maxRatio: number;
  make(): Transform;
}

export type Refuse = (field: string, message: string) => void;

/** Envoy's limits of chunk_size. */
export function chunkSize(value: number | undefined, at: string, refuse: Refuse): number {
  const size = value ?? 4096;
  inRange(size, 4096, 65_536, `${at}.chunk_size`, refuse);
  return size;
}

export function inRange(value: number, min: number, max: number, field: string, refuse: Refuse): void {
  if (value < min || value > max) refuse(field, `${value} is not between ${min} and ${max}`);
}
