// The chain of HTTP filters, in Istio's order. A feature is a file with one function and a place in this list.
import type { HttpFilter } from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { alpn } from "./alpn.ts";
import { dynamicForwardProxy } from "./dynamic-forward-proxy.ts";
import { cors, fault, grpcStats, grpcWeb, router } from "./envoy-filters.ts";
import type { HttpFilterBuilder, HttpFilterContext } from "./http-filter.ts";
import { peerMetadata } from "./peer-metadata.ts";
import { stats } from "./stats.ts";

// Between peerMetadata and grpcWeb stand, in this order: CUSTOM authorization, JWT, DENY and ALLOW authorization, each with the
// extensions of its phase before it. Peer metadata goes first, so that a refused request is known by its peer, too.
const IN_ORDER: readonly HttpFilterBuilder[] = [peerMetadata, grpcWeb, grpcStats, alpn, fault, cors, stats, dynamicForwardProxy, router];

export function httpFilters(context: HttpFilterContext): HttpFilter[] {
  return IN_ORDER.flatMap((build) => build(context));
}
