// The connection manager joined with the rooms that it needs to compile its config: routes, access logs, address ranges.
import { compileAccessLog } from "#proxy/access-log/access-log";
import { ConfigError } from "#proxy/config-error";
import type { NetworkFilterCompiler } from "#proxy/listener/network-filter";
import { compileEarlyMutation } from "#proxy/route/early-mutation";
import { compileLocalReplyMap } from "#proxy/route/local-reply-map";
import { compileRouteTable } from "#proxy/route/route-table";
import { compileAddressRanges } from "#matcher/cidr";
import type { HttpFilterCompiler } from "./filter.ts";
import { createHcmCompiler } from "./hcm-compiler.ts";

/** `filters`: every HTTP filter that a config may name (filters/table.ts joined with extensions). */
export function httpConnectionManagerCompiler(filters: readonly HttpFilterCompiler[]): NetworkFilterCompiler {
  return createHcmCompiler({
    filters,
    compileRouteTable: (config) => compileRouteTable(config, { filters }),
    compileAccessLog,
    compileEarlyMutation,
    compileLocalReplyMap,
    compileAddressRanges: (ranges, path) => {
      try {
        return compileAddressRanges(ranges);
      } catch (error) {
        throw new ConfigError("address ranges", [{ path, message: error instanceof Error ? error.message : String(error) }]);
      }
    },
  });
}
