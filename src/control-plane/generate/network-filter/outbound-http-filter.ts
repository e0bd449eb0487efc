// The connection managers of a sidecar's outbound listeners differ in their names only: what they share is encoded once for a proxy,
// which makes them cheap where each of a thousand services has a listener of its own.
import { create, toBinary } from "@bufbuild/protobuf";
import { FilterSchema, type Filter } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { HttpConnectionManagerSchema } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import type { FilterInputs } from "#control-plane/generate/filter-inputs";
import { anyOf } from "#envoy/any";
import { TYPE_URL_PREFIX } from "#envoy/type-urls";
import { CONNECTION_MANAGER, outboundConnectionManager, routesByAds, type HttpChain } from "./connection-manager.ts";
import { rememberRouteName } from "./route-name.ts";

const shared = new WeakMap<FilterInputs, Map<string, Uint8Array>>();

export function outboundHttpFilter(chain: HttpChain & { readonly routes: string }, inputs: FilterInputs): Filter {
  const own = create(HttpConnectionManagerSchema, { statPrefix: chain.statPrefix, routeSpecifier: routesByAds(chain.routes) });
  // Messages whose bytes follow each other are one message with the fields of both.
  const value = Buffer.concat([sharedPart(chain, inputs), toBinary(HttpConnectionManagerSchema, own)]);
  const config = anyOf(TYPE_URL_PREFIX + HttpConnectionManagerSchema.typeName, value);
  rememberRouteName(config, chain.routes);
  return create(FilterSchema, { name: CONNECTION_MANAGER, configType: { case: "typedConfig", value: config } });
}

function sharedPart(chain: HttpChain, inputs: FilterInputs): Uint8Array {
  let parts = shared.get(inputs);
  if (parts === undefined) shared.set(inputs, (parts = new Map()));
  const key = [chain.protocol, ...(chain.dnsCaches ?? []).map(({ name }) => name)].join(" ");
  let part = parts.get(key);
  if (part === undefined) {
    const manager = outboundConnectionManager({ ...chain, statPrefix: "" }, inputs);
    manager.routeSpecifier = { case: undefined };
    parts.set(key, (part = toBinary(HttpConnectionManagerSchema, manager)));
  }
  return part;
}
