// Statistics of a connection manager: `http.<stat_prefix>.`, Envoy's names.
import type { Counter, Gauge, Histogram, StatsScope } from "#telemetry/stats/store";
import { CodeStats } from "./code-stats.ts";
import type { HttpVersion } from "./stream.ts";

export class HcmStats {
  readonly cxTotal: Counter;
  readonly cxActive: Gauge;
  readonly cxHttp1Total: Counter;
  readonly cxHttp2Total: Counter;
  readonly cxHttp1Active: Gauge;
  readonly cxHttp2Active: Gauge;
  readonly cxSslTotal: Counter;
  readonly cxSslActive: Gauge;
  readonly cxDestroy: Counter;
  readonly cxDestroyRemote: Counter;
  readonly cxDestroyLocal: Counter;
  readonly cxDestroyActiveRq: Counter;
  readonly cxDestroyRemoteActiveRq: Counter;
  readonly cxDestroyLocalActiveRq: Counter;
  readonly cxMaxRequestsReached: Counter;
  readonly cxDelayedCloseTimeout: Counter;
  /** Added when a connection ends. */
  readonly cxRxBytesTotal: Counter;
  readonly cxTxBytesTotal: Counter;
  readonly cxIdleTimeout: Counter;
  readonly cxMaxDuration: Counter;
  readonly cxProtocolError: Counter;
  readonly cxDrainClose: Counter;
  readonly cxUpgradesTotal: Counter;
  readonly cxUpgradesActive: Gauge;
  readonly cxLengthMs: Histogram;
  readonly rqTotal: Counter;
  readonly rqHttp1Total: Counter;
  readonly rqHttp2Total: Counter;
  readonly rqActive: Gauge;
  readonly rqCodes: CodeStats;
  readonly rqResponseBeforeComplete: Counter;
  readonly rqTime: Histogram;
  readonly rqRxReset: Counter;
  readonly rqTxReset: Counter;
  readonly rqTimeout: Counter;
  readonly rqIdleTimeout: Counter;
  readonly rqMaxDuration: Counter;
  readonly rqHeaderTimeout: Counter;
  readonly rqTooLarge: Counter;
  readonly rqWsOnNonWsRoute: Counter;
  readonly rqNonRelativePath: Counter;
  readonly rqFailedPathNormalization: Counter;
  readonly rqRedirectedWithNormalizedPath: Counter;
  readonly flowPaused: Counter;
  readonly flowResumed: Counter;
  /** A filter or our own code threw: that stream was reset. */
  readonly internalErrors: Counter;
  // The router's own, under the same prefix.
  readonly routerRqTotal: Counter;
  readonly noRoute: Counter;
  readonly noCluster: Counter;
  readonly directResponse: Counter;
  readonly redirect: Counter;
  readonly resetAfterResponseStarted: Counter;
  readonly redirectBadLocation: Counter;
  readonly redirectUnsafeScheme: Counter;
  readonly redirectTooMany: Counter;
  readonly redirectNoRoute: Counter;
  readonly redirectPredicate: Counter;
  readonly #root: StatsScope;

  // The codec's, which all connection managers share: made when there is something to count, because nobody gives them back.
  rqRejectedUnderscore(version: HttpVersion | undefined): Counter {
    return this.#root.counter(version === "HTTP/2" ? "http2" : "http1", "requests_rejected_with_underscores_in_headers");
  }
  headersDroppedUnderscore(version: HttpVersion | undefined): Counter {
    return this.#root.counter(version === "HTTP/2" ? "http2" : "http1", "dropped_headers_with_underscores");
  }

  /** `root`: where the codec counts. */
  constructor(scope: StatsScope, root: StatsScope) {
    this.cxTotal = scope.counter("downstream_cx_total");
    this.cxActive = scope.gauge("downstream_cx_active");
    this.cxHttp1Total = scope.counter("downstream_cx_http1_total");
    this.cxHttp1Active = scope.gauge("downstream_cx_http1_active");
    this.cxHttp2Total = scope.counter("downstream_cx_http2_total");
    this.cxHttp2Active = scope.gauge("downstream_cx_http2_active");
    this.cxSslTotal = scope.counter("downstream_cx_ssl_total");
    this.cxSslActive = scope.gauge("downstream_cx_ssl_active");
    this.cxDestroy = scope.counter("downstream_cx_destroy");
    this.cxDestroyRemote = scope.counter("downstream_cx_destroy_remote");
    this.cxDestroyLocal = scope.counter("downstream_cx_destroy_local");
    this.cxDestroyActiveRq = scope.counter("downstream_cx_destroy_active_rq");
    this.cxDestroyRemoteActiveRq = scope.counter("downstream_cx_destroy_remote_active_rq");
    this.cxDestroyLocalActiveRq = scope.counter("downstream_cx_destroy_local_active_rq");
    this.cxMaxRequestsReached = scope.counter("downstream_cx_max_requests_reached");
    this.cxDelayedCloseTimeout = scope.counter("downstream_cx_delayed_close_timeout");
    this.cxRxBytesTotal = scope.counter("downstream_cx_rx_bytes_total");
    this.cxTxBytesTotal = scope.counter("downstream_cx_tx_bytes_total");
    this.cxIdleTimeout = scope.counter("downstream_cx_idle_timeout");
    this.cxMaxDuration = scope.counter("downstream_cx_max_duration_reached");
    this.cxProtocolError = scope.counter("downstream_cx_protocol_error");
    this.cxDrainClose = scope.counter("downstream_cx_drain_close");
    this.cxUpgradesTotal = scope.counter("downstream_cx_upgrades_total");
    this.cxUpgradesActive = scope.gauge("downstream_cx_upgrades_active");
    this.cxLengthMs = scope.histogram("downstream_cx_length_ms");
    this.rqTotal = scope.counter("downstream_rq_total");
    this.rqHttp1Total = scope.counter("downstream_rq_http1_total");
    this.rqHttp2Total = scope.counter("downstream_rq_http2_total");
    this.rqActive = scope.gauge("downstream_rq_active");
    this.rqCodes = new CodeStats(scope, "downstream_rq", "eager classes");
    this.rqResponseBeforeComplete = scope.counter("downstream_rq_response_before_rq_complete");
    this.rqTime = scope.histogram("downstream_rq_time");
    this.rqRxReset = scope.counter("downstream_rq_rx_reset");
    this.rqTxReset = scope.counter("downstream_rq_tx_reset");
    this.rqTimeout = scope.counter("downstream_rq_timeout");
    this.rqIdleTimeout = scope.counter("downstream_rq_idle_timeout");
    this.rqMaxDuration = scope.counter("downstream_rq_max_duration_reached");
    this.rqHeaderTimeout = scope.counter("downstream_rq_header_timeout");
    this.rqTooLarge = scope.counter("downstream_rq_too_large");
    this.rqWsOnNonWsRoute = scope.counter("downstream_rq_ws_on_non_ws_route");
    this.rqNonRelativePath = scope.counter("downstream_rq_non_relative_path");
    this.#root = root;
    this.rqFailedPathNormalization = scope.counter("downstream_rq_failed_path_normalization");
    this.rqRedirectedWithNormalizedPath = scope.counter("downstream_rq_redirected_with_normalized_path");
    this.flowPaused = scope.counter("downstream_flow_control_paused_reading_total");
    this.flowResumed = scope.counter("downstream_flow_control_resumed_reading_total");
    this.internalErrors = scope.counter("downstream_rq_internal_error");
    this.routerRqTotal = scope.counter("rq_total");
    this.redirectBadLocation = scope.counter("passthrough_internal_redirect_bad_location");
    this.redirectUnsafeScheme = scope.counter("passthrough_internal_redirect_unsafe_scheme");
    this.redirectTooMany = scope.counter("passthrough_internal_redirect_too_many_redirects");
    this.redirectNoRoute = scope.counter("passthrough_internal_redirect_no_route");
    this.redirectPredicate = scope.counter("passthrough_internal_redirect_predicate");
    this.noRoute = scope.counter("no_route");
    this.noCluster = scope.counter("no_cluster");
    this.directResponse = scope.counter("rq_direct_response");
    this.redirect = scope.counter("rq_redirect");
    this.resetAfterResponseStarted = scope.counter("rq_reset_after_downstream_response_started");
  }
}
