// An HTTP health check: one request, judged by the status, the body and the name of the service, as Envoy judges it.
import type { ResponseHeaderMap } from "#proxy/http/header-map";
import { PairRequestHeaderMap } from "#proxy/http/pair-header-map";
import type { RequestSender } from "#proxy/http/stream";
import { StreamRecord } from "#proxy/http/stream-record";
import type { Counter } from "#telemetry/stats/store";
import type { HttpCheckConfig } from "./health-check-config.ts";
import { holdsInOrder } from "./payload.ts";
import type { ProbeExchange } from "./http-probe-connection.ts";
import { NOBODY } from "./probe.ts";
import type { ProbeContext, ProbeResult } from "./probe.ts";

const USER_AGENT = "Envoy/HC";

export class HttpProbe implements ProbeExchange {
  readonly #config: HttpCheckConfig;
  readonly #context: ProbeContext;
  readonly #verifyCluster: Counter;
  #response: ResponseHeaderMap | undefined;
  #body: Buffer[] = [];
  #bodyBytes = 0;
  #result: ProbeResult | undefined;

  constructor(config: HttpCheckConfig, context: ProbeContext) {
    this.#config = config;
    this.#context = context;
    this.#verifyCluster = context.stats.counter("verify_cluster");
  }

  begin(): void {
    this.#response = undefined;
    this.#body = [];
    this.#bodyBytes = 0;
    this.#result = undefined;
  }

  get result(): ProbeResult | undefined {
    return this.#result;
  }

  ask(sender: RequestSender): void {
    const { method, path, headers: mutation, send } = this.#config;
    const { authority, scheme, clock } = this.#context;
    const headers = new PairRequestHeaderMap({ method, path, authority, scheme, upgrade: undefined }, [["user-agent", USER_AGENT]]);
    if (mutation !== undefined) {
      const info = new StreamRecord(clock.wallMs(), clock.monotonicMs(), NOBODY);
      info.upstreamHost = this.#context.address;
      mutation.applyToRequest(headers, info);
    }
    if (send.length > 0) headers.set("content-length", String(send.length));
    sender.sendHeaders(headers, send.length === 0);
    if (send.length > 0) sender.sendData(send, true);
  }

  // ---- ResponseReceiver

  onInformational(): void {}
  onRequestDrain(): void {}
  onResponseTrailers(): void {
    this.#judge();
  }

  onResponseHeaders(headers: ResponseHeaderMap, endStream: boolean): void {
    this.#response = headers;
    if (endStream) this.#judge();
  }

  onResponseData(chunk: Buffer, endStream: boolean): void {
    const { receive, responseBufferBytes } = this.#config;
    if (receive.length > 0 && (responseBufferBytes === 0 || this.#bodyBytes < responseBufferBytes)) {
      const part = responseBufferBytes === 0 ? chunk : chunk.subarray(0, responseBufferBytes - this.#bodyBytes);
      this.#body.push(Buffer.from(part));
      this.#bodyBytes += part.length;
    }
    if (endStream) this.#judge();
  }

  #verifiesCluster(): boolean {
    const { runtime, random } = this.#context;
    const percent = runtime.integer("health_check.verify_cluster", 100);
    return percent >= 100 || random.integer(100) < percent;
  }

  #judge(): void {
    this.#result = this.#verdict(this.#response!);
  }

  #verdict(response: ResponseHeaderMap): ProbeResult {
    const { receive, expected, retriable, serviceName } = this.#config;
    const { status } = response;
    const excluded = response.has("x-envoy-immediate-health-check-fail");
    const failed = (again: boolean, exclude: boolean): ProbeResult => ({
      kind: "failure",
      type: "ACTIVE",
      retriable: again,
      excluded: exclude,
    });
    if (receive.length > 0 && !holdsInOrder(Buffer.concat(this.#body), receive)) return failed(false, excluded);
    if (!within(status, expected)) return failed(within(status, retriable), excluded);
    if (serviceName !== undefined && this.#verifiesCluster()) {
      this.#verifyCluster.inc();
      if (!serviceName.matches(response.get("x-envoy-upstream-healthchecked-cluster") ?? "")) return failed(false, false);
    }
    return { kind: "success", degraded: response.has("x-envoy-degraded") };
  }
}

function within(status: number, ranges: HttpCheckConfig["expected"]): boolean {
  return ranges.some(([from, to]) => status >= from && status < to);
}
