// Every HTTP filter that this proxy has. cli/ joins it with extensions/; nothing registers itself.
import { corsFilterCompiler } from "#proxy/filters/cors/cors-filter";
import { faultFilterCompiler } from "#proxy/filters/fault/fault-filter";
import { grpcStatsFilterCompiler } from "#proxy/filters/grpc-stats/grpc-stats-filter";
import { routerFilterCompiler } from "#proxy/filters/router/router-filter";
import type { HttpFilterCompiler } from "#proxy/http/filter";

export const HTTP_FILTERS: readonly HttpFilterCompiler[] = [
  corsFilterCompiler,
  faultFilterCompiler,
  grpcStatsFilterCompiler,
  routerFilterCompiler,
];
