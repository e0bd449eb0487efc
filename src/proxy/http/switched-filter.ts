// Switches a filter off and on by route (FilterConfig.disabled), or on only where a route has config for it (HttpFilter.disabled).
import type { HttpFilterFactory } from "./filter.ts";

export function switchedByRoute(factory: HttpFilterFactory, enabledByDefault: boolean): HttpFilterFactory {
  const { name } = factory;
  return {
    name,
    create: (stream) => ((stream.filterConfigs()?.enabled(name) ?? enabledByDefault) ? factory.create(stream) : undefined),
    withStats: (scope, thread) => switchedByRoute(factory.withStats?.(scope, thread) ?? factory, enabledByDefault),
    release: () => factory.release?.(),
  };
}
