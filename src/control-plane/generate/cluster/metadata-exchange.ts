// Istio's filter with which proxies tell each other who they are on TCP connections. Only for proxies that have it.
import { create } from "@bufbuild/protobuf";
import type { Filter } from "#envoy/gen/envoy/config/cluster/v3/filter_pb";
import { FilterSchema } from "#envoy/gen/envoy/config/cluster/v3/filter_pb";
import { TypedStructSchema } from "#envoy/gen/udpa/type/v1/typed_struct_pb";
import { pack } from "#envoy/any";
import type { Caller } from "./caller.ts";

/** Its type is not in Envoy's API: it travels as a structure with the type's name. */
export function metadataExchangeFilters(caller: Caller): Filter[] {
  if (!caller.metadataExchange) return [];
  const config = create(TypedStructSchema, {
    typeUrl: "type.googleapis.com/envoy.tcp.metadataexchange.config.MetadataExchange",
    value: { protocol: "istio-peer-exchange", enable_discovery: true },
  });
  return [create(FilterSchema, { name: "istio.metadata_exchange", typedConfig: pack(TypedStructSchema, config) })];
}
