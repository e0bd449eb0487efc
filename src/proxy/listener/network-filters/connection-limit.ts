// envoy.filters.network.connection_limit: at most so many connections on this chain, counted per traffic thread.
import { ConnectionLimitSchema } from "#envoy/gen/envoy/extensions/filters/network/connection_limit/v3/connection_limit_pb";
import { durationMs } from "#envoy/duration";
import type { ConnectionFilterFactory, NetworkFilterCompiler } from "#proxy/listener/network-filter";
import { NO_RUNTIME } from "#proxy/runtime/runtime";
import { flagNow, runtimeFlag } from "#proxy/runtime/runtime-fields";
import { unpackConfig } from "#proxy/unpack-config";

export const connectionLimitCompiler: NetworkFilterCompiler = {
  configTypes: [ConnectionLimitSchema.typeName],
  compile(_name, any, path, thread): ConnectionFilterFactory {
    const wire = unpackConfig(any, ConnectionLimitSchema, path, ({ statPrefix, maxConnections }, refuse) => {
      if (statPrefix === "") refuse("stat_prefix", "must not be empty");
      if (maxConnections === undefined || maxConnections < 1n) refuse("max_connections", "must be at least 1");
    });
    const enabled = runtimeFlag(wire.runtimeEnabled, true);
    const limit = Number(wire.maxConnections ?? 0n);
    const closeAfterMs = durationMs(wire.delay) ?? 0;
    const scope = thread?.stats.scope("connection_limit", wire.statPrefix);
    const active = scope?.gauge("active_connections");
    const limited = scope?.counter("limited_connections");
    let open = 0;
    return {
      onNewConnection(context) {
        if (!flagNow(enabled, thread?.runtime ?? NO_RUNTIME)) return "continue";
        if (open >= limit) {
          limited?.inc();
          return { closeAfterMs };
        }
        open++;
        active?.inc();
        context.onClosed(() => {
          open--;
          active?.dec();
        });
        return "continue";
      },
      release: () => scope?.release(),
    };
  },
};
