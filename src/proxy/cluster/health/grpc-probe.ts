// A gRPC health check (grpc.health.v1): the service says SERVING, and the call ends well. As Envoy's: no answer of the service itself is
// tried again before the host counts as failed.
import { hasGrpcContentType } from "#proxy/http/grpc";
import type { HeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";
import { PairRequestHeaderMap } from "#proxy/http/pair-header-map";
import type { RequestSender } from "#proxy/http/stream";
import { StreamRecord } from "#proxy/http/stream-record";
import { healthCheckRequest, isServing } from "./grpc-health.ts";
import type { GrpcCheckConfig } from "./health-check-config.ts";
import type { ProbeExchange } from "./http-probe-connection.ts";
import { NOBODY } from "./probe.ts";
import type { ProbeContext, ProbeResult } from "./probe.ts";

const SUCCESS: ProbeResult = { kind: "success", degraded: false };
const FAILURE: ProbeResult = { kind: "failure", type: "ACTIVE", retriable: false, excluded: false };
/** The answer is a few bytes. */
const MAX_ANSWER_BYTES = 4096;

export class GrpcProbe implements ProbeExchange {
  readonly #config: GrpcCheckConfig;
  readonly #context: ProbeContext;
  readonly #request: Buffer;
  #body = Buffer.alloc(0);
  #result: ProbeResult | undefined;

  constructor(config: GrpcCheckConfig, context: ProbeContext) {
    this.#config = config;
    this.#context = context;
    this.#request = healthCheckRequest(config.serviceName);
  }

  begin(): void {
    this.#body = Buffer.alloc(0);
    this.#result = undefined;
  }

  get result(): ProbeResult | undefined {
    return this.#result;
  }

  ask(sender: RequestSender): void {
    const { authority, scheme, clock, address } = this.#context;
    const headers = new PairRequestHeaderMap({ method: "POST", path: "/grpc.health.v1.Health/Check", authority, scheme }, [
      ["content-type", "application/grpc"],
      ["te", "trailers"],
      ["user-agent", "Envoy/HC"],
    ]);
    const { metadata } = this.#config;
    if (metadata !== undefined) {
      const info = new StreamRecord(clock.wallMs(), clock.monotonicMs(), NOBODY);
      info.upstreamHost = address;
      metadata.applyToRequest(headers, info);
    }
    sender.sendHeaders(headers, false);
    sender.sendData(this.#request, true);
  }

  // ---- ResponseReceiver

  onInformational(): void {}
  onRequestDrain(): void {}

  onResponseHeaders(headers: ResponseHeaderMap, endStream: boolean): void {
    if (headers.status !== 200 || !hasGrpcContentType(headers)) this.#result = FAILURE;
    else if (endStream) this.#judge(headers);
  }

  onResponseData(chunk: Buffer, endStream: boolean): void {
    // Without trailers the call has no status.
    if (endStream || this.#body.length + chunk.length > MAX_ANSWER_BYTES) this.#result = FAILURE;
    else this.#body = Buffer.concat([this.#body, chunk]);
  }

  onResponseTrailers(trailers: HeaderMap): void {
    this.#judge(trailers);
  }

  #judge(headers: HeaderMap): void {
    this.#result ??= headers.get("grpc-status") === "0" && isServing(this.#body) ? SUCCESS : FAILURE;
  }
}
