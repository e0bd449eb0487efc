// Where a resource comes from, as a ConfigSource says it: the proxy's own ADS stream, a stream of its own, or a file.
import type { ApiConfigSource, ConfigSource } from "#envoy/gen/envoy/config/core/v3/config_source_pb";
import { ApiConfigSource_ApiType as ApiType } from "#envoy/gen/envoy/config/core/v3/config_source_pb";
import { durationMs } from "#envoy/duration";
import type { ReportViolation } from "#matcher/string-matcher";

export interface GrpcSource {
  readonly kind: "grpc";
  /** A static cluster of the bootstrap. */
  readonly cluster: string;
  readonly protocol: "delta" | "sotw";
}

export interface PathSource {
  readonly kind: "path";
  readonly path: string;
  /** Moves within it are seen, too. */
  readonly watchedDirectory: string | undefined;
}

export type ResourceSource = { readonly kind: "ads" } | GrpcSource | PathSource;

export const ADS = { kind: "ads" } as const satisfies ResourceSource;

// Envoy's default; 0 in the configuration: wait for ever.
const DEFAULT_FETCH_TIMEOUT_MS = 15_000;

export function fetchTimeoutMs(source: ConfigSource | undefined): number {
  return durationMs(source?.initialFetchTimeout) ?? DEFAULT_FETCH_TIMEOUT_MS;
}

export function sourceKey(source: ResourceSource): string {
  return source.kind === "ads" ? "ads" : JSON.stringify(source);
}

/** Undefined: reported. */
export function readResourceSource(source: ConfigSource | undefined, path: string, report: ReportViolation): ResourceSource | undefined {
  const specifier = source?.configSourceSpecifier;
  switch (specifier?.case) {
    case "ads":
      return ADS;
    case "path":
      return pathSource(specifier.value, undefined, `${path}.path`, report);
    case "pathConfigSource":
      return pathSource(specifier.value.path, specifier.value.watchedDirectory?.path, `${path}.path_config_source.path`, report);
    case "apiConfigSource":
      return readGrpcSource(specifier.value, `${path}.api_config_source`, report);
    default:
      report(path, `must be ads, path_config_source or api_config_source, ${specifier?.case ?? "nothing"} is not served`);
      return undefined;
  }
}

function pathSource(file: string, watchedDirectory: string | undefined, path: string, report: ReportViolation): PathSource | undefined {
  if (file === "") report(path, "must not be empty");
  return file === "" ? undefined : { kind: "path", path: file, watchedDirectory };
}

/** Undefined: reported. */
export function readGrpcSource({ apiType, grpcServices }: ApiConfigSource, path: string, report: ReportViolation): GrpcSource | undefined {
  const protocol = apiType === ApiType.GRPC ? "sotw" : apiType === ApiType.DELTA_GRPC ? "delta" : undefined;
  if (protocol === undefined) report(`${path}.api_type`, `${ApiType[apiType] ?? String(apiType)} is not served, only GRPC and DELTA_GRPC`);
  const target = grpcServices[0]?.targetSpecifier;
  if (grpcServices.length !== 1 || target?.case !== "envoyGrpc") report(`${path}.grpc_services`, "must be one envoy_grpc service");
  if (protocol === undefined || grpcServices.length !== 1 || target?.case !== "envoyGrpc") return undefined;
  return { kind: "grpc", cluster: target.value.clusterName, protocol };
}
