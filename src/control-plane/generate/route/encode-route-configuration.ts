// A route configuration in its wire form, put together from its virtual hosts: fields that repeat are encoded one after the other, so
// the bytes of a virtual host that is the same object as before can be used again.
import { create, toBinary } from "@bufbuild/protobuf";
import { RouteConfigurationSchema, type RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { VirtualHostSchema, type VirtualHost } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { lengthDelimitedTag, varint } from "#envoy/wire-format";

const TAG = lengthDelimitedTag(RouteConfigurationSchema.field.virtualHosts.number);

/** With the tag and length of the field in front. */
const encoded = new WeakMap<VirtualHost, Uint8Array>();

export function encodeRouteConfiguration(configuration: RouteConfiguration): Uint8Array {
  const frame = create(RouteConfigurationSchema, { ...configuration, virtualHosts: [] });
  return Buffer.concat([toBinary(RouteConfigurationSchema, frame), ...configuration.virtualHosts.map(encodedHost)]);
}

function encodedHost(host: VirtualHost): Uint8Array {
  let bytes = encoded.get(host);
  if (bytes === undefined) {
    const value = toBinary(VirtualHostSchema, host);
    bytes = Buffer.concat([varint(TAG), varint(value.length), value]);
    encoded.set(host, bytes);
  }
  return bytes;
}
