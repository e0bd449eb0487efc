// What every HTTP filter of a connection manager is made from.
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import {
  HttpFilterSchema,
  type HttpFilter,
} from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import type { DnsCacheConfig } from "#envoy/gen/envoy/extensions/common/dynamic_forward_proxy/v3/dns_cache_pb";
import type { FilterInputs, ListenerClass } from "#control-plane/generate/filter-inputs";
import type { Protocol } from "#control-plane/registry/service";
import { pack } from "#envoy/any";

export interface HttpFilterContext {
  readonly class: ListenerClass;
  /** Of the port that made the listener. */
  readonly protocol: Protocol;
  /** Of clusters behind the routes that look their hosts up as requests come. */
  readonly dnsCaches: readonly DnsCacheConfig[];
  readonly inputs: FilterInputs;
}

/** None where the listener or the proxy is not one for the filter. */
export type HttpFilterBuilder = (context: HttpFilterContext) => readonly HttpFilter[];

export function httpFilter<Desc extends DescMessage>(name: string, schema: Desc, config: MessageInitShape<Desc>): HttpFilter {
  return create(HttpFilterSchema, { name, configType: { case: "typedConfig", value: pack(schema, create(schema, config)) } });
}
