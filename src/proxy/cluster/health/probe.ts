// One way to ask a host whether it is well. A probe keeps its connection between checks where that is wanted.
import type { Http2CodecStats } from "#proxy/http/http2-codec-stats";
import type { Connector } from "#proxy/net/connector";
import type { ConnectionInfo, SocketAddress } from "#proxy/net/connection";
import type { Runtime } from "#proxy/runtime/runtime";
import type { StatsScope } from "#telemetry/stats/store";
import type { Clock } from "#runtime/clock";
import type { Random } from "#runtime/random";

export type ProbeResult =
  | { readonly kind: "success"; readonly degraded: boolean }
  | {
      readonly kind: "failure";
      /** Envoy's HealthCheckFailureType: the host's own answer, or none. */
      readonly type: "ACTIVE" | "NETWORK";
      /** The unhealthy threshold applies to an answer, too. */
      readonly retriable: boolean;
      /** The host asks to be left alone at once. */
      readonly excluded: boolean;
    };

export const NETWORK_FAILURE: ProbeResult = { kind: "failure", type: "NETWORK", retriable: false, excluded: false };

const NO_ADDRESS: SocketAddress = { address: "127.0.0.1", port: 0 };
/** Requests of this proxy itself: format strings of added headers see no client. */
export const NOBODY: ConnectionInfo = {
  local: NO_ADDRESS,
  remote: NO_ADDRESS,
  directRemote: NO_ADDRESS,
  requestedServerName: undefined,
  tls: undefined,
};

export interface Probe {
  /** Starts a check. The result comes once, unless `abort` comes first; never before this call has returned. */
  start(): void;
  /** Ends the check that runs, and its connection; without one only the connection ends. */
  abort(): void;
}

export interface ProbeContext {
  readonly address: SocketAddress;
  readonly connector: Connector;
  /** `https` where the transport is secure. */
  readonly scheme: "http" | "https";
  /** The host to ask for. */
  readonly authority: string;
  readonly reuseConnection: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly runtime: Runtime;
  /** Of the cluster; made when the first HTTP/2 connection is. */
  readonly http2Stats: () => Http2CodecStats;
  /** `health_check.` of the cluster. */
  readonly stats: StatsScope;
  /** Also between checks: an idle connection that a TCP host closes is a failure. */
  readonly onResult: (result: ProbeResult) => void;
}
