// The values that set_filter_state computes, of a connection or of a stream: common.set_filter_state.v3.FilterStateValue.
import { FilterStateValue_SharedWithUpstream as Shared } from "#envoy/gen/envoy/extensions/filters/common/set_filter_state/v3/value_pb";
import type { FilterStateValue } from "#envoy/gen/envoy/extensions/filters/common/set_filter_state/v3/value_pb";
import { wireText } from "#matcher/wire-text";
import type { ReportViolation } from "#matcher/string-matcher";
import { compileFormatString } from "#proxy/access-log/access-log-format";
import { Violations } from "#proxy/field-check";
import type { FilterState } from "./filter-state.ts";
import type { StreamInfo } from "./stream-info.ts";

/** What the TCP proxy takes in the place of its own cluster. */
export const TCP_PROXY_CLUSTER_KEY = "envoy.tcp_proxy.cluster";

/** Where clusters of type ORIGINAL_DST send, whatever else is known. */
export const ORIGINAL_DESTINATION_KEY = "envoy.network.transport_socket.original_dst_address";
/** "true": it opens a connection of its own where it is told to tunnel. */
export const DISABLE_TUNNELING_KEY = "envoy.tcp_proxy.disable_tunneling";
/** Of this connection, in the place of the TCP proxy's own. */
export const IDLE_TIMEOUT_KEY = "envoy.tcp_proxy.per_connection_idle_timeout_ms";
const HASHABLE = "envoy.hashable_string";

/** Kinds of objects, as Envoy names what makes them. All of these hold text. */
const OBJECT_FACTORIES: ReadonlySet<string> = new Set([
  "envoy.string",
  HASHABLE,
  TCP_PROXY_CLUSTER_KEY,
  ORIGINAL_DESTINATION_KEY,
  DISABLE_TUNNELING_KEY,
  IDLE_TIMEOUT_KEY,
]);

export type SetFilterState = (state: FilterState, info: StreamInfo) => void;

export function compileFilterStateValues(values: readonly FilterStateValue[], path: string, report: ReportViolation): SetFilterState {
  const compiled = values.map((value, index) => compileValue(value, `${path}[${index}]`, report));
  return (state, info) => {
    for (const set of compiled) set(state, info);
  };
}

function compileValue(wire: FilterStateValue, path: string, report: ReportViolation): SetFilterState {
  const key = wire.key.case === "objectKey" ? wire.key.value : "";
  const factory = wire.factoryKey === "" ? key : wire.factoryKey;
  if (key === "") report(`${path}.object_key`, "must not be empty");
  else if (!OBJECT_FACTORIES.has(factory)) {
    report(`${path}.${wire.factoryKey === "" ? "object_key" : "factory_key"}`, `objects of kind "${factory}" are not served by this proxy`);
  }
  // Upstream connections have no filter state here.
  if (wire.sharedWithUpstream !== Shared.NONE) report(`${path}.shared_with_upstream`, "not served by this proxy");
  if (wire.value.case === undefined) {
    report(path, "needs a format_string");
    return () => {};
  }
  const violations = new Violations();
  const { value: formatString } = wire.value;
  if (formatString.format.case === "jsonFormat") report(`${path}.format_string.json_format`, "not served by this proxy");
  else if (formatString.format.case === undefined) report(`${path}.format_string`, "needs a text_format_source");
  const format = compileFormatString(formatString, `${path}.format_string`, violations);
  violations.tell(report);
  const { readOnly, skipIfEmpty } = wire;
  return (state, info) => {
    const value = wireText(format(info));
    if (value !== "" || !skipIfEmpty) state.set(key, value, readOnly, factory === HASHABLE);
  };
}
