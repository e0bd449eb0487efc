// How the router comes into a filter chain: its config is checked, and each stream gets one.
import { RouterSchema } from "#envoy/gen/envoy/extensions/filters/http/router/v3/router_pb";
import type { FilterStream, HttpFilterCompiler } from "#proxy/http/filter";
import type { TerminalFilterFactory } from "#proxy/http/terminal-filter";
import { invariant } from "#runtime/invariant";
import { RequestStatsCache } from "./request-stats.ts";
import { parseRouter } from "./router-config.ts";
import { RouterFilter } from "./router-filter.ts";

/** `upstream`: the filters that may stand behind it. */
export function routerFilterCompiler(upstream: readonly HttpFilterCompiler[]): HttpFilterCompiler {
  return {
    configTypes: [RouterSchema.typeName],
    compile(name, any, path): TerminalFilterFactory {
      const config = parseRouter(any, name, path, upstream);
      const statsCache = new RequestStatsCache();
      return {
        name,
        create(_stream: FilterStream) {
          invariant(false, "the router is made by createTerminal");
        },
        createTerminal: (stream) => new RouterFilter(stream, config, statsCache),
      };
    },
  };
}
