// Every HTTP filter that this proxy has; data-plane/composition.ts hands the list on. Nothing registers itself.
import { bandwidthLimitFilterCompiler } from "#proxy/filters/bandwidth-limit/bandwidth-limit-filter";
import { basicAuthFilterCompiler } from "#proxy/filters/basic-auth/basic-auth-filter";
import { bufferFilterCompiler } from "#proxy/filters/buffer/buffer-filter";
import { compressorFilterCompiler } from "#proxy/filters/compressor/compressor-filter";
import { corsFilterCompiler } from "#proxy/filters/cors/cors-filter";
import { csrfFilterCompiler } from "#proxy/filters/csrf/csrf-filter";
import { decompressorFilterCompiler } from "#proxy/filters/decompressor/decompressor-filter";
import { faultFilterCompiler } from "#proxy/filters/fault/fault-filter";
import { grpcStatsFilterCompiler } from "#proxy/filters/grpc-stats/grpc-stats-filter";
import { grpcWebFilterCompiler } from "#proxy/filters/grpc-web/grpc-web-filter";
import { headerMutationFilterCompiler } from "#proxy/filters/header-mutation/header-mutation-filter";
import { headerToMetadataFilterCompiler } from "#proxy/filters/header-to-metadata/header-to-metadata-filter";
import { healthCheckFilterCompiler } from "#proxy/filters/health-check/health-check-filter";
import { localRateLimitFilterCompiler } from "#proxy/filters/local-ratelimit/local-ratelimit-filter";
import { onDemandFilterCompiler } from "#proxy/filters/on-demand/on-demand-filter";
import { routerFilterCompiler } from "#proxy/filters/router/router-compiler";
import { setFilterStateFilterCompiler } from "#proxy/filters/set-filter-state/set-filter-state-filter";
import { setMetadataFilterCompiler } from "#proxy/filters/set-metadata/set-metadata-filter";
import { statefulSessionFilterCompiler } from "#proxy/filters/stateful-session/stateful-session-filter";
import type { HttpFilterCompiler } from "#proxy/http/filter";

/** Those that may also stand behind the router, as in Envoy. */
export const UPSTREAM_HTTP_FILTERS: readonly HttpFilterCompiler[] = [bufferFilterCompiler, headerMutationFilterCompiler];

export const HTTP_FILTERS: readonly HttpFilterCompiler[] = [
  bandwidthLimitFilterCompiler,
  basicAuthFilterCompiler,
  bufferFilterCompiler,
  compressorFilterCompiler,
  corsFilterCompiler,
  csrfFilterCompiler,
  decompressorFilterCompiler,
  faultFilterCompiler,
  grpcStatsFilterCompiler,
  grpcWebFilterCompiler,
  headerMutationFilterCompiler,
  headerToMetadataFilterCompiler,
  healthCheckFilterCompiler,
  localRateLimitFilterCompiler,
  onDemandFilterCompiler,
  routerFilterCompiler(UPSTREAM_HTTP_FILTERS),
  setFilterStateFilterCompiler,
  setMetadataFilterCompiler,
  statefulSessionFilterCompiler,
];
