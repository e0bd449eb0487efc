// The `grpc-timeout` header: up to eight digits and a unit.
import type { RequestHeaderMap } from "./header-map.ts";

const UNITS_MS: ReadonlyMap<string, number> = new Map([
  ["H", 3_600_000],
  ["M", 60_000],
  ["S", 1000],
  ["m", 1],
  ["u", 1e-3],
  ["n", 1e-6],
]);

/** undefined: there is none that could be read. */
export function grpcTimeoutMs(headers: RequestHeaderMap): number | undefined {
  const found = /^(\d{1,8})([HMSmun])$/.exec(headers.get("grpc-timeout") ?? "");
  return found === null ? undefined : Math.ceil(Number(found[1]) * UNITS_MS.get(found[2]!)!);
}

export function setGrpcTimeout(headers: RequestHeaderMap, ms: number): void {
  const whole = Math.trunc(ms);
  headers.set("grpc-timeout", whole < 1e8 ? `${whole}m` : `${Math.min(Math.trunc(whole / 1000), 99_999_999)}S`);
}
