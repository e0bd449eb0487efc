// The agent's own ADS stream: it registers the workload (node metadata with AUTO_REGISTER_GROUP) and says how the workload is, in
// Istio's HealthInformation requests. An answer means: every proxy that had to know has it. Reconnects for ever; the entry survives
// a short gap, so a restarted control plane changes nothing for callers.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { JsonObject as ProtobufJsonObject } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { NodeSchema } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { DiscoveryRequestSchema, DiscoveryResponseSchema } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { DiscoveryRequest, DiscoveryResponse } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { StatusSchema } from "#envoy/gen/google/rpc/status_pb";
import { HEALTH_INFORMATION_TYPE } from "#envoy/type-urls";
import type { Clock, Timer } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import type { JsonObject } from "./bootstrap.ts";

export type HealthReport =
  | { readonly state: "healthy" }
  | { readonly state: "unhealthy"; readonly reason: string }
  | { readonly state: "draining" };

const METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources";
// Well below the grace that the control plane gives an entry whose agent is away.
const RETRY_FIRST_MS = 100;
const RETRY_MOST_MS = 2_000;

/** One connection to the control plane for the streams of all workloads that an agent process looks after. */
export class AgentChannel {
  #client: Client;
  #closed = false;

  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure(), {
      "grpc.enable_http_proxy": 0,
      "grpc.keepalive_time_ms": 30_000,
      "grpc.keepalive_timeout_ms": 10_000,
      "grpc.initial_reconnect_backoff_ms": RETRY_FIRST_MS,
      "grpc.min_reconnect_backoff_ms": RETRY_FIRST_MS,
      "grpc.max_reconnect_backoff_ms": RETRY_MOST_MS,
    });
  }

  open(): ClientDuplexStream<DiscoveryRequest, DiscoveryResponse> {
    return this.#client.makeBidiStreamRequest(
      METHOD,
      (request: DiscoveryRequest) => Buffer.from(toBinary(DiscoveryRequestSchema, request)),
      (bytes: Buffer) => fromBinary(DiscoveryResponseSchema, bytes),
    );
  }

  /** Closed: streams that are still wanted are not opened again. */
  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
    this.#client.close();
  }
}

export interface HealthStreamOptions {
  readonly channel: AgentChannel;
  readonly node: { readonly id: string; readonly cluster: string; readonly metadata: JsonObject };
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

interface Waiter {
  readonly report: number;
  readonly resolve: (answered: boolean) => void;
  readonly timer: Timer;
}

export class HealthStream {
  #options: HealthStreamOptions;
  #stream: ClientDuplexStream<DiscoveryRequest, DiscoveryResponse> | undefined;
  #retry: Timer | undefined;
  #attempts = 0;
  #closed = false;
  #current: HealthReport | undefined;
  /** Counts reports over the life of the object; `#sent` holds those of this stream that have no answer yet, oldest first. */
  #reports = 0;
  #sent: number[] = [];
  #answered = 0;
  #waiters: Waiter[] = [];

  constructor(options: HealthStreamOptions) {
    this.#options = options;
  }

  /** Says how the workload is now; the first report opens the stream and so registers the workload. */
  report(report: HealthReport): void {
    if (this.#closed) return;
    this.#current = report;
    this.#reports++;
    if (this.#stream === undefined) {
      if (this.#retry === undefined) this.#connect();
    } else this.#send(false);
  }

  /** Waits until the last report is live everywhere. False: there was no answer in time, or nothing was reported yet. */
  settled(timeoutMs: number): Promise<boolean> {
    const report = this.#reports;
    if (report === 0 || this.#closed) return Promise.resolve(false);
    if (this.#answered >= report) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = this.#options.clock.setTimer(timeoutMs, () => {
        this.#waiters = this.#waiters.filter((waiter) => waiter.timer !== timer);
        resolve(false);
      });
      this.#waiters.push({ report, resolve, timer });
    });
  }

  /** Ends the stream: the control plane removes the entry once its grace is over. */
  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.end();
    this.#finish(() => true, false);
  }

  #connect(): void {
    this.#retry = undefined;
    if (this.#options.channel.closed) return;
    const stream = this.#options.channel.open();
    this.#stream = stream;
    this.#sent = [];
    stream.on("data", (response: DiscoveryResponse) => {
      if (stream !== this.#stream || response.typeUrl !== HEALTH_INFORMATION_TYPE) return;
      this.#attempts = 0;
      this.#answered = Math.max(this.#answered, this.#sent.shift() ?? 0);
      this.#finish((waiter) => waiter.report <= this.#answered, true);
    });
    stream.on("error", (error: Error) => this.#lost(stream, error.message));
    stream.on("end", () => this.#lost(stream, "the control plane ended the stream"));
    this.#send(true);
  }

  #send(first: boolean): void {
    const report = this.#current;
    if (report === undefined || this.#stream === undefined) return;
    const { node } = this.#options;
    this.#sent.push(this.#reports);
    this.#stream.write(
      create(DiscoveryRequestSchema, {
        typeUrl: HEALTH_INFORMATION_TYPE,
        ...(first
          ? { node: create(NodeSchema, { id: node.id, cluster: node.cluster, metadata: node.metadata as ProtobufJsonObject }) }
          : {}),
        ...(report.state === "healthy"
          ? {}
          : {
              errorDetail: create(StatusSchema, {
                code: 500,
                message: report.state === "draining" ? "draining" : `unhealthy: ${report.reason}`,
              }),
            }),
      }),
    );
  }

  #lost(stream: unknown, reason: string): void {
    if (stream !== this.#stream) return;
    this.#stream = undefined;
    if (this.#closed) return;
    const { clock, random, log, node } = this.#options;
    const most = Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** this.#attempts++);
    log.debug("the registration stream was lost, trying again", { node: node.id, reason });
    this.#retry = clock.setTimer(most / 2 + random.next() * (most / 2), () => this.#connect());
  }

  #finish(which: (waiter: Waiter) => boolean, answered: boolean): void {
    const done = this.#waiters.filter(which);
    this.#waiters = this.#waiters.filter((waiter) => !done.includes(waiter));
    for (const waiter of done) {
      waiter.timer.cancel();
      waiter.resolve(answered);
    }
  }
}
