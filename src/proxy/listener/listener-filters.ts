// The listener filters of one listener, compiled in their order.
import type { Listener } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { nameOf } from "#envoy/any";
import { durationMs } from "#envoy/duration";
import type { Violations } from "#proxy/field-check";
import type { StatsScope } from "#telemetry/stats/store";
import { httpInspectorCompiler } from "./filters/http-inspector.ts";
import { originalDst, originalDstCompiler } from "./filters/original-dst.ts";
import { proxyProtocolCompiler } from "./filters/proxy-protocol.ts";
import { tlsInspectorCompiler } from "./filters/tls-inspector.ts";
import type { ListenerFilter } from "./listener-filter.ts";
import { compilePredicate } from "./listener-filter-predicate.ts";
import type { PortPredicate } from "./listener-filter-predicate.ts";

export interface ListenerFilterChain {
  readonly filters: readonly { readonly filter: ListenerFilter; readonly disabled: PortPredicate }[];
  /** 0: none. */
  readonly timeoutMs: number;
  /** When time is over: take the connection as it is, or close it. */
  readonly continueOnTimeout: boolean;
}

const COMPILERS = [originalDstCompiler, tlsInspectorCompiler, httpInspectorCompiler, proxyProtocolCompiler];

const DEFAULT_TIMEOUT_MS = 15_000;

const never: PortPredicate = () => false;

/** `scope`: undefined where the configuration is only checked. */
export function compileListenerFilters(wire: Listener, scope: StatsScope | undefined, violations: Violations): ListenerFilterChain {
  const filters = wire.listenerFilters.flatMap(({ name, configType, filterDisabled }, index) => {
    const path = `listener_filters[${index}]`;
    if (configType.case !== "typedConfig") {
      violations.add(path, `listener filter "${name}" needs a typed_config`);
      return [];
    }
    const type = nameOf(configType.value.typeUrl);
    const compiler = COMPILERS.find(({ configTypes }) => configTypes.includes(type));
    if (compiler === undefined) {
      violations.add(path, `listener filter ${type} ("${name}") is not known to this proxy`);
      return [];
    }
    const disabled = filterDisabled === undefined ? never : compilePredicate(filterDisabled, `${path}.filter_disabled`, violations.add);
    try {
      return [{ filter: compiler.compile(configType.value, `${path}.typed_config`, scope), disabled }];
    } catch (error) {
      violations.addFrom(error, `${path}.typed_config`);
      return [];
    }
  });
  // As Envoy: the flag alone is enough.
  const restores = filters.some(({ filter }) => filter === originalDst);
  if (wire.useOriginalDst === true && !restores) filters.push({ filter: originalDst, disabled: never });
  return {
    filters,
    timeoutMs: durationMs(wire.listenerFiltersTimeout) ?? DEFAULT_TIMEOUT_MS,
    continueOnTimeout: wire.continueOnListenerFiltersTimeout,
  };
}
