// What active health checks make of one host. The main thread, which checks, tells traffic threads; flags and their names are Envoy's.

export interface ActiveHealth {
  /** FAILED_ACTIVE_HC: no traffic outside of panic. A host starts with it. */
  readonly failed: boolean;
  /** PENDING_ACTIVE_HC: there was no answer yet, nor a failure. */
  readonly pending: boolean;
  /** DEGRADED_ACTIVE_HC: it asks for little traffic. */
  readonly degraded: boolean;
  /** ACTIVE_HC_TIMEOUT: it failed because it did not answer in time. */
  readonly timedOut: boolean;
  /** EXCLUDED_VIA_IMMEDIATE_HC_FAIL: it asked to be left alone, and counts as if it were not there. */
  readonly excluded: boolean;
}

export const PENDING: ActiveHealth = Object.freeze({ failed: true, pending: true, degraded: false, timedOut: false, excluded: false });

/** By host key (upstream-host.ts); hosts that are not checked are not in it. */
export type HostsHealth = ReadonlyMap<string, ActiveHealth>;
