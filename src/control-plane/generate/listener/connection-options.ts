// What a proxy's operator says about the connections of its listeners: how much of each is held, and how its threads share them.
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Listener, ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import type { ProxyView } from "#control-plane/mesh/mesh";
import { filterInputs } from "#control-plane/generate/filter-inputs";
import { connectionSettings } from "#control-plane/generate/network-filter/connection-settings";

type Settings = Exclude<MessageInitShape<typeof ListenerSchema>, Listener>;

export function bufferLimit(view: ProxyView): Settings {
  const limit = connectionSettings(filterInputs(view))?.listenerPerConnectionBufferLimitBytes;
  // A negative number would become an enormous one on the wire.
  return limit === undefined || limit < 0 ? {} : { perConnectionBufferLimitBytes: limit };
}

/** Node metadata that makes every thread take as many connections as the others, for few long ones. */
export function connectionBalance(direction: "INBOUND" | "OUTBOUND", { node }: ProxyView): Settings {
  const isExact = node.metadata[`${direction}_LISTENER_EXACT_BALANCE`] === "true";
  return isExact ? { connectionBalanceConfig: { balanceType: { case: "exactBalance", value: {} } } } : {};
}
