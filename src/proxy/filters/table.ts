// Every HTTP filter that this proxy has; data-plane/composition.ts hands the list on. Nothing registers itself.
import { corsFilterCompiler } from "#proxy/filters/cors/cors-filter";
import { faultFilterCompiler } from "#proxy/filters/fault/fault-filter";
import { grpcStatsFilterCompiler } from "#proxy/filters/grpc-stats/grpc-stats-filter";
import { routerFilterCompiler } from "#proxy/filters/router/router-compiler";
import type { HttpFilterCompiler } from "#proxy/http/filter";

export const HTTP_FILTERS: readonly HttpFilterCompiler[] = [
  corsFilterCompiler,
  faultFilterCompiler,
  grpcStatsFilterCompiler,
  routerFilterCompiler,
];
