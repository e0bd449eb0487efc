// How the bytes of a connection are carried: in the clear, encrypted, behind a PROXY protocol header.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { TransportSocketSchema, type TransportSocket } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { ProxyProtocolConfig_Version as Version } from "#envoy/gen/envoy/config/core/v3/proxy_protocol_pb";
import { ProxyProtocolUpstreamTransportSchema } from "#envoy/gen/envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol_pb";
import { RawBufferSchema } from "#envoy/gen/envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer_pb";
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
  type DownstreamTlsContext,
  type UpstreamTlsContext,
} from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/tls_pb";
import type { TrafficPolicy } from "#api/destination-rule";
import { pack } from "#envoy/any";

const TLS = "envoy.transport_sockets.tls";

export function downstreamTlsSocket(context: DownstreamTlsContext): TransportSocket {
  return socket(TLS, pack(DownstreamTlsContextSchema, context));
}

export function upstreamTlsSocket(context: UpstreamTlsContext): TransportSocket {
  return socket(TLS, pack(UpstreamTlsContextSchema, context));
}

export function rawBufferSocket(): TransportSocket {
  return socket("envoy.transport_sockets.raw_buffer", pack(RawBufferSchema, create(RawBufferSchema)));
}

/** `inner` with a PROXY protocol header in front. */
export function proxyProtocolSocket(settings: NonNullable<TrafficPolicy["proxyProtocol"]>, inner: TransportSocket): TransportSocket {
  return socket(
    "envoy.transport_sockets.upstream_proxy_protocol",
    pack(
      ProxyProtocolUpstreamTransportSchema,
      create(ProxyProtocolUpstreamTransportSchema, {
        config: { version: settings.version === "V2" ? Version.V2 : Version.V1 },
        transportSocket: inner,
      }),
    ),
  );
}

type Packed = Extract<NonNullable<MessageInitShape<typeof TransportSocketSchema>["configType"]>, { case: "typedConfig" }>["value"];

function socket(name: string, config: Packed): TransportSocket {
  return create(TransportSocketSchema, { name, configType: { case: "typedConfig", value: config } });
}
