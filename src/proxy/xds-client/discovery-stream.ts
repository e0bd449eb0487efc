// One xDS stream of one proxy, aggregated or of one type, for as long as somebody wants it: connects, subscribes, hands responses on,
// answers ACK or NACK, and comes back with Envoy's back-off. It knows no resource; what a response means is its owner's. Inside it speaks
// delta; a server of the state of the world is translated (state-of-the-world.ts).
import { create, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { decodeMessage } from "#envoy/decode";
import { StatusSchema } from "#envoy/gen/google/rpc/status_pb";
import type { Node } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { DeltaDiscoveryRequestSchema, DeltaDiscoveryResponseSchema } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { DeltaDiscoveryRequest, DeltaDiscoveryResponse } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { Clock, Timer } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import { BackOff } from "#proxy/back-off";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE, RUNTIME_TYPE } from "#envoy/type-urls";
import { invariant } from "#runtime/invariant";
import { StateOfTheWorld } from "./state-of-the-world.ts";
import type { DeltaSubscription } from "./delta-subscription.ts";

/** By type, undefined: aggregated. The names of the service and of its two methods. */
const METHODS: ReadonlyMap<string | undefined, { readonly sotw: string; readonly delta: string }> = new Map(
  (
    [
      [undefined, "discovery", "AggregatedDiscovery", "AggregatedResources"],
      [CLUSTER_TYPE, "cluster", "ClusterDiscovery", "Clusters"],
      [ENDPOINT_TYPE, "endpoint", "EndpointDiscovery", "Endpoints"],
      [LISTENER_TYPE, "listener", "ListenerDiscovery", "Listeners"],
      [ROUTE_TYPE, "route", "RouteDiscovery", "Routes"],
      [RUNTIME_TYPE, "runtime", "RuntimeDiscovery", "Runtime"],
    ] as const
  ).map(([type, folder, service, resources]) => {
    const path = `/envoy.service.${folder}.v3.${service}Service`;
    return [type, { sotw: `${path}/Stream${resources}`, delta: `${path}/Delta${resources}` }];
  }),
);

const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

// A NACK must fit into logs and into the server's limits, however many resources are wrong.
const MAX_NACK_CHARACTERS = 8192;

const INVALID_ARGUMENT = 3;

export interface DiscoveryStreamOptions {
  /** host:port or unix:PATH of each server, plaintext. As Envoy's round robin: each attempt asks the next. */
  readonly targets: readonly string[];
  readonly protocol: "delta" | "sotw";
  /** Undefined: an aggregated stream. */
  readonly type: string | undefined;
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

export class DiscoveryStream {
  readonly #options: DiscoveryStreamOptions;
  readonly #backOff: BackOff;
  readonly #stateOfTheWorld: StateOfTheWorld | undefined;
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

  constructor(options: DiscoveryStreamOptions) {
    this.#options = options;
    this.#backOff = new BackOff(options.random);
    this.#stateOfTheWorld = options.protocol === "sotw" ? new StateOfTheWorld() : undefined;
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
    const translated = this.#stateOfTheWorld;
    translated?.restart();
    const stream: Stream = this.#client.makeBidiStreamRequest(
      this.#method,
      (request: DeltaDiscoveryRequest) => translated?.encode(request) ?? Buffer.from(toBinary(DeltaDiscoveryRequestSchema, request)),
      (bytes: Buffer) => translated?.decode(bytes) ?? decodeMessage(DeltaDiscoveryResponseSchema, bytes),
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

  get #method(): string {
    const { type, protocol } = this.#options;
    const methods = METHODS.get(type);
    invariant(methods !== undefined, `resources of type ${type} have a service of their own`);
    return methods[protocol];
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
