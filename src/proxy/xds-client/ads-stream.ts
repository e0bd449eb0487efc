// One delta ADS stream of one proxy, for as long as the proxy lives: connects, subscribes, hands responses on, answers ACK or NACK,
// and comes back with Envoy's back-off. It knows no resource; what a response means is its owner's.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { StatusSchema } from "#envoy/gen/google/rpc/status_pb";
import type { Node } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { DeltaDiscoveryRequestSchema, DeltaDiscoveryResponseSchema } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { DeltaDiscoveryRequest, DeltaDiscoveryResponse } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { Clock, Timer } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import { BackOff } from "#proxy/back-off";
import type { DeltaSubscription } from "./delta-subscription.ts";

const METHOD = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources";

const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

// A NACK must fit into logs and into the server's limits, however many resources are wrong.
const MAX_NACK_CHARACTERS = 8192;

const INVALID_ARGUMENT = 3;

export interface AdsStreamOptions {
  /** host:port of each control plane, plaintext. As Envoy's round robin: each attempt asks the next. */
  readonly targets: readonly string[];
  readonly node: Node;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly subscriptions: readonly DeltaSubscription[];
  /** Settles when the response is live, with the reasons of what was refused; undefined or "": all of it is live. */
  readonly onResponse: (response: DeltaDiscoveryResponse) => Promise<string | undefined>;
  readonly onConnected: (connected: boolean) => void;
}

type Stream = ClientDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;

export class AdsStream {
  readonly #options: AdsStreamOptions;
  readonly #backOff: BackOff;
  #client: Client | undefined;
  #stream: Stream | undefined;
  #nodeSent = false;
  #connected = false;
  #attempts = 0;
  #target = "";
  #retry: Timer | undefined;
  #closed = false;
  /** Answers go out in the order of the responses of their type. */
  readonly #answering = new Map<string, Promise<void>>();
  /** By type: the nonce of the response of this stream that was answered last. */
  readonly #answered = new Map<string, string>();

  constructor(options: AdsStreamOptions) {
    this.#options = options;
    this.#backOff = new BackOff(options.random);
  }

  start(): void {
    this.#connect();
  }

  /** Sends what the subscriptions have to say. Harmless at any time. */
  flush(): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    for (const subscription of this.#options.subscriptions) {
      const request = subscription.nextRequest(this.#nodeSent ? undefined : this.#options.node);
      if (request === undefined) continue;
      this.#nodeSent = true;
      stream.write(request);
    }
  }

  /** Acknowledges the newest response of the type once more: what had to be refused then is live now. */
  acknowledge(typeUrl: string): void {
    const nonce = this.#answered.get(typeUrl);
    // An answer that is on its way says how things are by itself.
    if (nonce === undefined || this.#answering.has(typeUrl)) return;
    this.#stream?.write(create(DeltaDiscoveryRequestSchema, { typeUrl, responseNonce: nonce }));
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    this.#drop();
  }

  #connect(): void {
    if (this.#closed) return;
    const { targets } = this.#options;
    this.#target = targets[this.#attempts++ % targets.length] ?? "";
    // A client per attempt: grpc-js would otherwise add its own back-off, of up to two minutes, to ours.
    this.#client = new Client(this.#target, credentials.createInsecure(), {
      "grpc.enable_http_proxy": 0,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
      "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
      "grpc.keepalive_time_ms": 30_000,
      "grpc.keepalive_timeout_ms": 10_000,
      "grpc.service_config_disable_resolution": 1,
    });
    const stream: Stream = this.#client.makeBidiStreamRequest(
      METHOD,
      (request: DeltaDiscoveryRequest) => Buffer.from(toBinary(DeltaDiscoveryRequestSchema, request)),
      (bytes: Buffer) => fromBinary(DeltaDiscoveryResponseSchema, bytes),
    );
    this.#stream = stream;
    this.#nodeSent = false;
    this.#answered.clear();
    for (const subscription of this.#options.subscriptions) subscription.restart();
    stream.on("data", (response: DeltaDiscoveryResponse) => this.#onResponse(stream, response));
    stream.on("error", (error) => this.#onEnd(stream, error.message));
    stream.on("end", () => this.#onEnd(stream, "closed by the control plane"));
    this.flush();
  }

  #onResponse(stream: Stream, response: DeltaDiscoveryResponse): void {
    if (stream !== this.#stream) return;
    if (!this.#connected) {
      this.#connected = true;
      this.#options.log.info("connected to the control plane", { target: this.#target });
      this.#options.onConnected(true);
    }
    this.#backOff.reset();
    const { typeUrl } = response;
    const result = this.#options.onResponse(response);
    const answered = (this.#answering.get(typeUrl) ?? Promise.resolve()).then(async () => {
      const refused = await result.catch((error: unknown) => `internal error: ${String(error)}`);
      if (stream === this.#stream) this.#answer(stream, response, refused);
      if (this.#answering.get(typeUrl) === answered) this.#answering.delete(typeUrl);
    });
    this.#answering.set(typeUrl, answered);
  }

  #answer(stream: Stream, { typeUrl, nonce }: DeltaDiscoveryResponse, refused: string | undefined): void {
    const nack = refused !== undefined && refused !== "";
    // The control plane says so loudly: it can name the object that the configuration came from.
    if (nack) this.#options.log.info("refused configuration", { type: typeUrl, reason: refused });
    this.#answered.set(typeUrl, nonce);
    stream.write(
      create(DeltaDiscoveryRequestSchema, {
        typeUrl,
        responseNonce: nonce,
        ...(nack ? { errorDetail: create(StatusSchema, { code: INVALID_ARGUMENT, message: refused.slice(0, MAX_NACK_CHARACTERS) }) } : {}),
      }),
    );
  }

  #onEnd(stream: Stream, reason: string): void {
    if (stream !== this.#stream || this.#closed) return;
    this.#drop();
    const delayMs = this.#backOff.nextMs();
    const { log, clock } = this.#options;
    const target = this.#target;
    if (this.#connected) log.warn("lost the control plane; traffic goes on with the configuration there is", { target, reason });
    else log.debug("no connection to the control plane", { target, reason, retryMs: delayMs });
    if (this.#connected) {
      this.#connected = false;
      this.#options.onConnected(false);
    }
    this.#retry = clock.setTimer(delayMs, () => this.#connect());
  }

  #drop(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    stream?.removeAllListeners("data");
    // A cancelled call reports an error once more; without a listener it would end the process.
    stream?.on("error", () => {});
    stream?.cancel();
    this.#client?.close();
    this.#client = undefined;
  }
}
