// What connection pools count, in the scope of their cluster. Made once per cluster and thread, shared by the pools of its hosts.
import type { Counter, Gauge, Histogram, StatsScope } from "#telemetry/stats/store";

export class UpstreamConnectionStats {
  readonly cxTotal: Counter;
  readonly cxActive: Gauge;
  readonly cxHttp1Total: Counter;
  readonly cxHttp2Total: Counter;
  readonly cxConnectFail: Counter;
  readonly cxConnectTimeout: Counter;
  /** A TCP proxy has used all of its attempts. */
  readonly cxConnectAttemptsExceeded: Counter;
  readonly cxOverflow: Counter;
  readonly cxConnectMs: Histogram;
  readonly cxLengthMs: Histogram;
  readonly rqPerCx: Histogram;
  readonly cxDestroy: Counter;
  readonly cxDestroyLocal: Counter;
  readonly cxDestroyRemote: Counter;
  readonly cxDestroyWithActiveRq: Counter;
  readonly cxDestroyLocalWithActiveRq: Counter;
  readonly cxDestroyRemoteWithActiveRq: Counter;
  readonly cxCloseNotify: Counter;
  readonly cxIdleTimeout: Counter;
  readonly cxMaxRequests: Counter;
  readonly cxMaxDurationReached: Counter;
  readonly cxProtocolError: Counter;
  readonly cxRxBytesTotal: Counter;
  readonly cxTxBytesTotal: Counter;
  /** Resets of HTTP/2 streams; a broken HTTP/1 exchange is one of cxDestroy*WithActiveRq. */
  readonly rqRxReset: Counter;
  readonly rqTxReset: Counter;
  readonly rqPendingTotal: Counter;
  readonly rqPendingActive: Gauge;
  readonly rqPendingOverflow: Counter;
  readonly rqPendingFailureEject: Counter;

  constructor(scope: StatsScope) {
    this.cxTotal = scope.counter("upstream_cx_total");
    this.cxActive = scope.gauge("upstream_cx_active");
    this.cxHttp1Total = scope.counter("upstream_cx_http1_total");
    this.cxHttp2Total = scope.counter("upstream_cx_http2_total");
    this.cxConnectFail = scope.counter("upstream_cx_connect_fail");
    this.cxConnectAttemptsExceeded = scope.counter("upstream_cx_connect_attempts_exceeded");
    this.cxConnectTimeout = scope.counter("upstream_cx_connect_timeout");
    this.cxOverflow = scope.counter("upstream_cx_overflow");
    this.cxConnectMs = scope.histogram("upstream_cx_connect_ms");
    this.cxLengthMs = scope.histogram("upstream_cx_length_ms");
    this.rqPerCx = scope.histogram("upstream_rq_per_cx");
    this.cxDestroy = scope.counter("upstream_cx_destroy");
    this.cxDestroyLocal = scope.counter("upstream_cx_destroy_local");
    this.cxDestroyRemote = scope.counter("upstream_cx_destroy_remote");
    this.cxDestroyWithActiveRq = scope.counter("upstream_cx_destroy_with_active_rq");
    this.cxDestroyLocalWithActiveRq = scope.counter("upstream_cx_destroy_local_with_active_rq");
    this.cxDestroyRemoteWithActiveRq = scope.counter("upstream_cx_destroy_remote_with_active_rq");
    this.cxCloseNotify = scope.counter("upstream_cx_close_notify");
    this.cxIdleTimeout = scope.counter("upstream_cx_idle_timeout");
    this.cxMaxDurationReached = scope.counter("upstream_cx_max_duration_reached");
    this.cxMaxRequests = scope.counter("upstream_cx_max_requests");
    this.cxProtocolError = scope.counter("upstream_cx_protocol_error");
    this.cxRxBytesTotal = scope.counter("upstream_cx_rx_bytes_total");
    this.cxTxBytesTotal = scope.counter("upstream_cx_tx_bytes_total");
    this.rqRxReset = scope.counter("upstream_rq_rx_reset");
    this.rqTxReset = scope.counter("upstream_rq_tx_reset");
    this.rqPendingTotal = scope.counter("upstream_rq_pending_total");
    this.rqPendingActive = scope.gauge("upstream_rq_pending_active");
    this.rqPendingOverflow = scope.counter("upstream_rq_pending_overflow");
    this.rqPendingFailureEject = scope.counter("upstream_rq_pending_failure_eject");
  }
}
