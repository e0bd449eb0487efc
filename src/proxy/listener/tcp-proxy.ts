// envoy.filters.network.tcp_proxy: bytes in both directions between a client and one host of a cluster, with backpressure and half-close.
import type { Any } from "@bufbuild/protobuf/wkt";
import type { AccessLog } from "#envoy/gen/envoy/config/accesslog/v3/accesslog_pb";
import { TcpProxySchema } from "#envoy/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb";
import { unpack } from "#envoy/any";
import { Violations } from "#proxy/field-check";
import type { StreamInfo } from "#proxy/http/stream-info";
import type { ThreadContext } from "#proxy/thread-context";
import type { NetworkFilterCompiler, NetworkFilterFactory } from "./network-filter.ts";
import { readTcpProxy } from "./tcp-proxy-config.ts";
import { makeTcpProxyStats, TcpProxyConnection } from "./tcp-proxy-connection.ts";

/** What an access log of the connection needs; compiled by proxy/access-log. */
export interface TcpAccessLogCompiler {
  compile(
    configs: readonly AccessLog[],
    path: string,
  ): {
    open(thread: ThreadContext): { log(info: StreamInfo): void };
  };
}

export function tcpProxyCompiler(accessLogs: TcpAccessLogCompiler): NetworkFilterCompiler {
  return {
    configTypes: [TcpProxySchema.typeName],
    compile: (name, config, path, thread) => compileTcpProxy(name, config, path, thread, accessLogs),
  };
}

function compileTcpProxy(
  name: string,
  any: Any,
  path: string,
  thread: ThreadContext | undefined,
  accessLogs: TcpAccessLogCompiler,
): NetworkFilterFactory {
  const violations = new Violations();
  const wire = unpack(any, TcpProxySchema);
  if (wire === undefined) violations.add(path, `network filter "${name}" is no TcpProxy`);
  const config = wire === undefined ? undefined : readTcpProxy(wire, path, violations);
  let log: ReturnType<TcpAccessLogCompiler["compile"]> | undefined;
  if (wire !== undefined && wire.accessLog.length > 0) {
    try {
      log = accessLogs.compile(wire.accessLog, `${path}.access_log`);
    } catch (error) {
      violations.addFrom(error, `${path}.access_log`);
    }
  }
  violations.throwIfAny("tcp proxy");
  if (config === undefined || thread === undefined) return { accept: () => {} };
  const scope = thread.stats.scope("tcp", { tag: "envoy.tcp_prefix", value: config.statPrefix });
  const stats = makeTcpProxyStats(scope);
  const logger = log?.open(thread);
  return {
    accept(context) {
      new TcpProxyConnection(context, config, thread, stats, logger).start();
    },
    release: () => scope.release(),
  };
}
