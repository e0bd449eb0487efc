// How a network filter is put into a chain.
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { FilterSchema, type Filter } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { pack } from "#envoy/any";

export function networkFilter<Desc extends DescMessage>(name: string, schema: Desc, config: MessageInitShape<Desc>): Filter {
  return create(FilterSchema, { name, configType: { case: "typedConfig", value: pack(schema, create(schema, config)) } });
}
