// The HTTP filter by which Istio's proxies tell each other who they are, in headers of requests and responses.
import type { JsonObject } from "@bufbuild/protobuf";
import { TypedStructSchema } from "#envoy/gen/udpa/type/v1/typed_struct_pb";
import { hasExtension } from "#control-plane/generate/istio-extension";
import { httpFilter, type HttpFilterBuilder } from "./http-filter.ts";

const TYPE_URL = "type.googleapis.com/io.istio.http.peer_metadata.Config";
const DISCOVERY = [{ istio_headers: {} }, { workload_discovery: {} }];

const INBOUND = metadataFilter({ downstream_discovery: DISCOVERY, downstream_propagation: [{ istio_headers: {} }] });
const OUTBOUND = metadataFilter({ upstream_discovery: DISCOVERY, upstream_propagation: [{ istio_headers: {} }] });
/** Destinations outside the mesh are not told. */
const OUTBOUND_IN_MESH = metadataFilter({
  upstream_discovery: DISCOVERY,
  upstream_propagation: [{ istio_headers: { skip_external_clusters: true } }],
});

export const peerMetadata: HttpFilterBuilder = (context) => {
  const { node, proxyConfig } = context.inputs;
  if (!hasExtension(node, "envoy.filters.http.peer_metadata")) return [];
  if (context.class === "sidecar-inbound") return [INBOUND];
  // Gateways do not look at the mode, as in istiod.
  const inMesh = context.class === "sidecar-outbound" && proxyConfig.proxyHeaders?.metadataExchangeHeaders?.mode === "IN_MESH";
  return [inMesh ? OUTBOUND_IN_MESH : OUTBOUND];
};

function metadataFilter(value: JsonObject) {
  return httpFilter("istio.metadata_exchange", TypedStructSchema, { typeUrl: TYPE_URL, value });
}
