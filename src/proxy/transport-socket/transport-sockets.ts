// Which of a cluster's transport sockets a host gets: the first whose labels its endpoint carries (transport_socket_matches).
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Cluster } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import type { Metadata } from "#envoy/gen/envoy/config/core/v3/base_pb";
import type { ReportViolation } from "#matcher/string-matcher";
import { compileUpstreamTransport } from "./upstream-transport.ts";
import type { UpstreamTransport } from "./upstream-transport.ts";
import type { SecretNeed } from "./secret.ts";

/** What an endpoint says of itself; its key in the endpoint's metadata. */
const MATCH_NAMESPACE = "envoy.transport_socket_match";

export type TransportLabels = Readonly<JsonObject>;

export interface TransportSockets {
  readonly needs: readonly SecretNeed[];
  /** Whichever is chosen. */
  readonly allTls: boolean;
  /** `labels`: of the endpoint; undefined: it has none. */
  choose(labels: TransportLabels | undefined): UpstreamTransport;
}

export function compileTransportSockets(wire: Cluster, report: ReportViolation): TransportSockets {
  const otherwise = compileUpstreamTransport(wire.transportSocket, "transport_socket", report);
  const matches = wire.transportSocketMatches.map(({ match, transportSocket }, at) => ({
    labels: match === undefined ? [] : Object.entries(match),
    transport: compileUpstreamTransport(transportSocket, `transport_socket_matches[${at}].transport_socket`, report),
  }));
  const all = [otherwise, ...matches.map(({ transport }) => transport)];
  return {
    needs: all.flatMap(({ needs }) => needs),
    allTls: all.every(({ isTls }) => isTls),
    choose: (given) => matches.find(({ labels }) => labels.every(([key, value]) => same(value, given?.[key])))?.transport ?? otherwise,
  };
}

export function transportLabels(metadata: Metadata | undefined): TransportLabels | undefined {
  const struct = metadata?.filterMetadata[MATCH_NAMESPACE];
  return struct;
}

function same(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
