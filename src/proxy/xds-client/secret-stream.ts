// One secret from a secret server of its own (SDS, state of the world), as Envoy asks for it: a stream a secret, for as long as somebody
// needs it. A secret that cannot be used is refused on the stream, and the last good one stays.
import { create, toBinary } from "@bufbuild/protobuf";
import { Client, credentials } from "@grpc/grpc-js";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { decodeMessage } from "#envoy/decode";
import { StatusSchema } from "#envoy/gen/google/rpc/status_pb";
import type { Node } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { DiscoveryRequestSchema, DiscoveryResponseSchema } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { DiscoveryRequest, DiscoveryResponse } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { SecretSchema } from "#envoy/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb";
import { SECRET_TYPE } from "#envoy/type-urls";
import type { Clock, Timer } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import { BackOff } from "#proxy/back-off";

const METHOD = "/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets";
const INVALID_ARGUMENT = 3;

export interface SecretStreamOptions {
  /** host:port, or unix:PATH */
  readonly target: string;
  readonly secretName: string;
  readonly node: Node;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Settles when it is live; says why it was refused, "": it was not. */
  readonly onSecret: (bytes: Uint8Array, version: string) => Promise<string>;
}

type Stream = ClientDuplexStream<DiscoveryRequest, DiscoveryResponse>;

export class SecretStream {
  readonly #options: SecretStreamOptions;
  readonly #backOff: BackOff;
  #client: Client | undefined;
  #stream: Stream | undefined;
  #version = "";
  #retry: Timer | undefined;
  #closed = false;

  constructor(options: SecretStreamOptions) {
    this.#options = options;
    this.#backOff = new BackOff(options.random);
  }

  start(): void {
    if (this.#closed) return;
    this.#client = new Client(this.#options.target, credentials.createInsecure(), {
      "grpc.enable_http_proxy": 0,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.service_config_disable_resolution": 1,
    });
    const stream: Stream = this.#client.makeBidiStreamRequest(
      METHOD,
      (request: DiscoveryRequest) => Buffer.from(toBinary(DiscoveryRequestSchema, request)),
      (bytes: Buffer) => decodeMessage(DiscoveryResponseSchema, bytes),
    );
    this.#stream = stream;
    stream.on("data", (response: DiscoveryResponse) => this.#onResponse(stream, response));
    stream.on("error", (error) => this.#onEnd(stream, error.message));
    stream.on("end", () => this.#onEnd(stream, "closed by the secret server"));
    const { node, secretName } = this.#options;
    stream.write(create(DiscoveryRequestSchema, { node, typeUrl: SECRET_TYPE, resourceNames: [secretName], versionInfo: this.#version }));
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
    this.#drop();
  }

  #onResponse(stream: Stream, response: DiscoveryResponse): void {
    if (stream !== this.#stream) return;
    this.#backOff.reset();
    void this.#take(response).then((refused) => {
      if (stream === this.#stream) this.#answer(stream, response, refused);
    });
  }

  async #take({ resources, versionInfo }: DiscoveryResponse): Promise<string> {
    const { secretName, onSecret } = this.#options;
    try {
      for (const { typeUrl, value } of resources) {
        if (typeUrl === SECRET_TYPE && decodeMessage(SecretSchema, value).name === secretName)
          return await onSecret(new Uint8Array(value), versionInfo);
      }
      return `the answer does not hold secret "${secretName}"`;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  #answer(stream: Stream, { versionInfo, nonce }: DiscoveryResponse, refused: string): void {
    const { log, secretName } = this.#options;
    if (refused === "") this.#version = versionInfo;
    else log.warn("refused a secret", { secret: secretName, reason: refused });
    stream.write(
      create(DiscoveryRequestSchema, {
        typeUrl: SECRET_TYPE,
        resourceNames: [secretName],
        versionInfo: this.#version,
        responseNonce: nonce,
        ...(refused === "" ? {} : { errorDetail: create(StatusSchema, { code: INVALID_ARGUMENT, message: refused }) }),
      }),
    );
  }

  #onEnd(stream: Stream, reason: string): void {
    if (stream !== this.#stream || this.#closed) return;
    this.#drop();
    const { log, clock, target, secretName } = this.#options;
    log.debug("no connection to the secret server", { target, secret: secretName, reason });
    this.#retry = clock.setTimer(this.#backOff.nextMs(), () => this.start());
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
