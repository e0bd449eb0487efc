// The network filters of one chain as one: each before the last may end the connection.
import type { Filter } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { nameOf } from "#envoy/any";
import type { Violations } from "#proxy/field-check";
import type { Connection } from "#proxy/net/connection";
import type { ThreadContext } from "#proxy/thread-context";
import type { Clock } from "#runtime/clock";
import { isTerminalFilter } from "./network-filter.ts";
import type { ConnectionFilterFactory, NetworkFilterCompiler, NetworkFilterFactory } from "./network-filter.ts";

/** Undefined: reported. */
export function compileNetworkFilters(
  wire: readonly Filter[],
  path: string,
  compilers: readonly NetworkFilterCompiler[],
  thread: ThreadContext | undefined,
  violations: Violations,
): NetworkFilterFactory | undefined {
  const before: ConnectionFilterFactory[] = [];
  let last: NetworkFilterFactory | undefined;
  if (wire.length === 0) violations.add(path, "must hold a terminal filter");
  for (const [index, filter] of wire.entries()) {
    const at = `${path}[${index}]`;
    const factory = compileFilter(filter, at, compilers, thread, violations);
    if (factory === undefined) continue;
    const isLast = index === wire.length - 1;
    if (isTerminalFilter(factory)) {
      if (isLast) last = factory;
      else {
        factory.release?.();
        violations.add(at, `terminal filter "${filter.name}" must be the last one`);
      }
    } else {
      before.push(factory);
      if (isLast) violations.add(at, `the last filter must be a terminal one, "${filter.name}" is not`);
    }
  }
  if (last !== undefined && before.length > 0) return inARow(before, last, thread?.clock);
  if (last === undefined) for (const filter of before) filter.release?.();
  return last;
}

function compileFilter(
  filter: Filter,
  path: string,
  compilers: readonly NetworkFilterCompiler[],
  thread: ThreadContext | undefined,
  violations: Violations,
): NetworkFilterFactory | ConnectionFilterFactory | undefined {
  if (filter.configType.case !== "typedConfig") {
    violations.add(path, `network filter "${filter.name}" needs a typed_config`);
    return undefined;
  }
  const config = filter.configType.value;
  const type = nameOf(config.typeUrl);
  const compiler = compilers.find(({ configTypes }) => configTypes.includes(type));
  if (compiler === undefined) {
    violations.add(path, `network filter ${type} ("${filter.name}") is not known to this proxy`);
    return undefined;
  }
  try {
    return compiler.compile(filter.name, config, `${path}.typed_config`, thread);
  } catch (error) {
    violations.addFrom(error, `${path}.typed_config`);
    return undefined;
  }
}

function inARow(before: readonly ConnectionFilterFactory[], last: NetworkFilterFactory, clock: Clock | undefined): NetworkFilterFactory {
  return {
    ...(last.unservedProtocols === undefined ? {} : { unservedProtocols: last.unservedProtocols }),
    accept(context) {
      for (const filter of before) {
        const verdict = filter.onNewConnection(context);
        if (verdict === "continue") continue;
        refuse(context.connection, verdict === "close" ? 0 : verdict.closeAfterMs, clock);
        return;
      }
      last.accept(context);
    },
    release() {
      for (const filter of before) filter.release?.();
      last.release?.();
    },
  };
}

function refuse(connection: Connection, delayMs: number, clock: Clock | undefined): void {
  const timer = delayMs > 0 ? clock?.setTimer(delayMs, () => connection.close("now"), true) : undefined;
  connection.handler = { onData: () => {}, onEnd: () => connection.close("now"), onDrain: () => {}, onClose: () => timer?.cancel() };
  if (timer === undefined) connection.close("now");
  else connection.pauseReading("filter");
}
