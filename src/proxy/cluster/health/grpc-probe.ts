// A gRPC health check (grpc.health.v1): the service says SERVING, and the call ends well. As Envoy's: no answer of the service itself is
// tried again before the host counts as failed.
import type { HttpClientConnection, HttpClientOwner } from "#proxy/http/client-connection";
import { hasGrpcContentType } from "#proxy/http/grpc";
import type { HeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";
import { PairRequestHeaderMap } from "#proxy/http/pair-header-map";
import type { ResponseReceiver } from "#proxy/http/stream";
import { StreamRecord } from "#proxy/http/stream-record";
import type { PendingConnect } from "#proxy/net/connector";
import { healthCheckRequest, isServing } from "./grpc-health.ts";
import type { GrpcCheckConfig } from "./health-check-config.ts";
import { NETWORK_FAILURE, NOBODY } from "./probe.ts";
import type { Probe, ProbeContext, ProbeResult } from "./probe.ts";
import { probeClient } from "./probe-client.ts";

const SUCCESS: ProbeResult = { kind: "success", degraded: false };
const FAILURE: ProbeResult = { kind: "failure", type: "ACTIVE", retriable: false, excluded: false };
/** The answer is a few bytes. */
const MAX_ANSWER_BYTES = 4096;

export class GrpcProbe implements Probe, ResponseReceiver, HttpClientOwner {
  readonly #config: GrpcCheckConfig;
  readonly #context: ProbeContext;
  readonly #request: Buffer;
  #connecting: PendingConnect | undefined;
  #client: HttpClientConnection | undefined;
  #waiting = false;
  /** The host asked for no more calls on the connection. */
  #leaving = false;
  #body = Buffer.alloc(0);
  #result: ProbeResult | undefined;

  constructor(config: GrpcCheckConfig, context: ProbeContext) {
    this.#config = config;
    this.#context = context;
    this.#request = healthCheckRequest(config.serviceName);
  }

  start(): void {
    this.#waiting = true;
    this.#body = Buffer.alloc(0);
    this.#result = undefined;
    if (this.#client !== undefined) {
      this.#ask(this.#client);
      return;
    }
    this.#leaving = false;
    const { connector, address } = this.#context;
    this.#connecting = connector.connect(address, 0, {
      onConnected: (connection) => {
        this.#connecting = undefined;
        this.#client = probeClient(true, connection, this.#context, this);
        this.#ask(this.#client);
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

  #ask(client: HttpClientConnection): void {
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
    const sender = client.newStream(this);
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

  onResponseReset(): void {
    this.#end(this.#result ?? NETWORK_FAILURE);
    this.#drop();
  }

  #judge(headers: HeaderMap): void {
    this.#result ??= headers.get("grpc-status") === "0" && isServing(this.#body) ? SUCCESS : FAILURE;
  }

  // ---- HttpClientOwner

  onStreamDone(): void {
    if (this.#leaving || !this.#context.reuseConnection) this.#drop();
    this.#end(this.#result ?? NETWORK_FAILURE);
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
    this.#end(this.#result ?? NETWORK_FAILURE);
  }

  #end(result: ProbeResult): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#context.onResult(result);
  }
}
