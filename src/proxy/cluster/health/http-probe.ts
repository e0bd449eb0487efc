// An HTTP health check: one request, judged by the status, the body and the name of the service, as Envoy judges it.
import type { HttpClientConnection, HttpClientOwner } from "#proxy/http/client-connection";
import type { ResponseHeaderMap } from "#proxy/http/header-map";
import { PairRequestHeaderMap } from "#proxy/http/pair-header-map";
import type { ResponseReceiver } from "#proxy/http/stream";
import { StreamRecord } from "#proxy/http/stream-record";
import type { PendingConnect } from "#proxy/net/connector";
import type { Counter } from "#telemetry/stats/store";
import type { HttpCheckConfig } from "./health-check-config.ts";
import { holdsInOrder } from "./payload.ts";
import { NETWORK_FAILURE, NOBODY } from "./probe.ts";
import type { Probe, ProbeContext, ProbeResult } from "./probe.ts";
import { probeClient } from "./probe-client.ts";

const USER_AGENT = "Envoy/HC";

export class HttpProbe implements Probe, ResponseReceiver, HttpClientOwner {
  readonly #config: HttpCheckConfig;
  readonly #context: ProbeContext;
  readonly #verifyCluster: Counter;
  #connecting: PendingConnect | undefined;
  #client: HttpClientConnection | undefined;
  #waiting = false;
  /** The host asked for no more requests on the connection. */
  #leaving = false;
  #response: ResponseHeaderMap | undefined;
  #body: Buffer[] = [];
  #bodyBytes = 0;
  #result: ProbeResult | undefined;

  constructor(config: HttpCheckConfig, context: ProbeContext) {
    this.#config = config;
    this.#context = context;
    this.#verifyCluster = context.stats.counter("verify_cluster");
  }

  start(): void {
    this.#waiting = true;
    this.#response = undefined;
    this.#body = [];
    this.#bodyBytes = 0;
    this.#result = undefined;
    if (this.#client !== undefined) {
      this.#request(this.#client);
      return;
    }
    this.#leaving = false;
    const { connector, address } = this.#context;
    this.#connecting = connector.connect(address, 0, {
      onConnected: (connection) => {
        this.#connecting = undefined;
        this.#client = probeClient(this.#config.http2, connection, this.#context, this);
        this.#request(this.#client);
      },
      onConnectFailed: () => {
        this.#connecting = undefined;
        this.#end(NETWORK_FAILURE);
      },
    });
  }

  abort(): void {
    this.#waiting = false;
    this.#connecting?.cancel();
    this.#connecting = undefined;
    this.#drop();
  }

  #drop(): void {
    const client = this.#client;
    this.#client = undefined;
    client?.connection.close("now");
  }

  #request(client: HttpClientConnection): void {
    const { method, path, headers: mutation, send } = this.#config;
    const { authority, scheme, clock } = this.#context;
    const headers = new PairRequestHeaderMap({ method, path, authority, scheme, upgrade: undefined }, [["user-agent", USER_AGENT]]);
    if (mutation !== undefined) {
      const info = new StreamRecord(clock.wallMs(), clock.monotonicMs(), NOBODY);
      info.upstreamHost = this.#context.address;
      mutation.applyToRequest(headers, info);
    }
    if (send.length > 0) headers.set("content-length", String(send.length));
    const sender = client.newStream(this);
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

  onResponseReset(): void {
    this.#drop();
    this.#end(NETWORK_FAILURE);
  }

  // ---- HttpClientOwner

  onStreamDone(_client: HttpClientConnection, reusable: boolean): void {
    const result = this.#result;
    if (!reusable || this.#leaving || !this.#context.reuseConnection) this.#drop();
    if (result !== undefined) this.#end(result);
  }
  onStreamBroken(): void {}
  onStreamReset(): void {}
  onStreamLimit(): void {}
  onGoAway(): void {
    this.#leaving = true;
    if (!this.#waiting) this.#drop();
  }
  onProtocolError(): void {}
  onFault(): void {
    this.#drop();
    this.#end(NETWORK_FAILURE);
  }

  onClosed(client: HttpClientConnection): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    // What was answered in full counts, also where the connection goes with it.
    this.#end(this.#result ?? NETWORK_FAILURE);
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
    if (serviceName !== undefined) {
      this.#verifyCluster.inc();
      if (!serviceName.matches(response.get("x-envoy-upstream-healthchecked-cluster") ?? "")) return failed(false, false);
    }
    return { kind: "success", degraded: response.has("x-envoy-degraded") };
  }

  #end(result: ProbeResult): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#context.onResult(result);
  }
}

function within(status: number, ranges: HttpCheckConfig["expected"]): boolean {
  return ranges.some(([from, to]) => status >= from && status < to);
}
