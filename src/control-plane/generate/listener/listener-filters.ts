// Listener filters: what is found out about a connection before its filter chain is chosen.
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import {
  ListenerFilterChainMatchPredicateSchema as PredicateSchema,
  ListenerFilterSchema,
  type FilterChain,
  type ListenerFilter,
  type ListenerFilterChainMatchPredicate as Predicate,
} from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { HttpInspectorSchema } from "#envoy/gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb";
import { OriginalDstSchema } from "#envoy/gen/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb";
import { OriginalSrcSchema } from "#envoy/gen/envoy/extensions/filters/listener/original_src/v3/original_src_pb";
import { ProxyProtocolSchema } from "#envoy/gen/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb";
import { TlsInspectorSchema } from "#envoy/gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb";
import { pack } from "#envoy/any";
import { PLAINTEXT_HTTP_ALPN } from "./listener-protocol.ts";

/** By which Istio's packet rules know connections of the proxy itself. */
const ISTIO_MARK = 1337;
/** A ClientHello is read as it comes, not with Envoy's 64 KiB at once. */
const TLS_READ_BYTES = 512;

export function tlsInspector(): ListenerFilter {
  return listenerFilter("envoy.filters.listener.tls_inspector", TlsInspectorSchema, { initialReadBufferSize: TLS_READ_BYTES });
}

export function httpInspector(): ListenerFilter {
  return listenerFilter("envoy.filters.listener.http_inspector", HttpInspectorSchema, {});
}

/** Where a captured connection was going. */
export function originalDestination(): ListenerFilter {
  return listenerFilter("envoy.filters.listener.original_dst", OriginalDstSchema, {});
}

/** The caller's address, which a load balancer in front says in the first bytes of the connection. */
export function proxyProtocol(): ListenerFilter {
  return listenerFilter("envoy.filters.listener.proxy_protocol", ProxyProtocolSchema, {});
}

/** With TPROXY the application sees the caller's own address. */
export function originalSource(): ListenerFilter {
  return listenerFilter("envoy.filters.listener.original_src", OriginalSrcSchema, { mark: ISTIO_MARK });
}

/**
 * The inspectors that the chains of an inbound listener need, each off at ports where no chain asks for it: a server of a port without
 * detection may speak first. Ports that no chain names count as port 0.
 */
export function inspectors(chains: readonly FilterChain[]): ListenerFilter[] {
  const needs = new Map<number, { tls: boolean; http: boolean }>();
  for (const { filterChainMatch: match } of chains) {
    const port = match?.destinationPort ?? 0;
    const need = needs.get(port) ?? { tls: false, http: false };
    need.tls ||= match?.transportProtocol === "tls";
    need.http ||= match?.applicationProtocols.some((name) => PLAINTEXT_HTTP_ALPN.includes(name)) === true;
    needs.set(port, need);
  }
  const ports = [...needs].sort(([a], [b]) => a - b);
  const result: ListenerFilter[] = [];
  if (ports.some(([, need]) => need.tls)) result.push(switchedOff(tlsInspector(), tlsInspectorOff(ports)));
  // After TLS inspection, which tells it to leave encrypted bytes alone.
  if (ports.some(([, need]) => need.http)) {
    result.push(switchedOff(httpInspector(), anyPort(ports.filter(([, need]) => !need.http).map(([port]) => port))));
  }
  return result;
}

type Needs = readonly (readonly [port: number, need: { readonly tls: boolean }])[];

/** Where unnamed ports need it, all ports do but some; otherwise some do but all others not. */
function tlsInspectorOff(ports: Needs): Predicate | undefined {
  const named = ports.filter(([port]) => port !== 0);
  if (ports.some(([port, need]) => port === 0 && need.tls)) return anyPort(named.filter(([, need]) => !need.tls).map(([port]) => port));
  const on = anyPort(named.filter(([, need]) => need.tls).map(([port]) => port));
  return on === undefined ? undefined : create(PredicateSchema, { rule: { case: "notMatch", value: on } });
}

function anyPort(ports: readonly number[]): Predicate | undefined {
  const ranges = ports.map((port) =>
    create(PredicateSchema, { rule: { case: "destinationPortRange", value: { start: port, end: port + 1 } } }),
  );
  return ranges.length > 1 ? create(PredicateSchema, { rule: { case: "orMatch", value: { rules: ranges } } }) : ranges[0];
}

function switchedOff(filter: ListenerFilter, predicate: Predicate | undefined): ListenerFilter {
  if (predicate !== undefined) filter.filterDisabled = predicate;
  return filter;
}

function listenerFilter<Desc extends DescMessage>(name: string, schema: Desc, config: MessageInitShape<Desc>): ListenerFilter {
  return create(ListenerFilterSchema, { name, configType: { case: "typedConfig", value: pack(schema, create(schema, config)) } });
}
