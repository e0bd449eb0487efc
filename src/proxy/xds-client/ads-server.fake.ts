// A small delta ADS server for tests: sends what it is told to, remembers what it was asked and answered.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  ResourceSchema,
} from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { DeltaDiscoveryRequest, DeltaDiscoveryResponse } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { anyOf } from "#envoy/any";

type Stream = ServerDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;

export interface FakeResource {
  readonly name: string;
  readonly version: string;
  readonly bytes: Uint8Array;
}

export function resource<Desc extends DescMessage>(
  name: string,
  version: string,
  schema: Desc,
  init: MessageInitShape<Desc>,
): FakeResource {
  return { name, version, bytes: toBinary(schema, create(schema, init)) };
}

export class FakeAdsServer {
  readonly requests: DeltaDiscoveryRequest[] = [];
  streams = 0;
  #server = new Server();
  #stream: Stream | undefined;
  #nonce = 0;
  #port = 0;
  #waiting: { matches: (request: DeltaDiscoveryRequest) => boolean; resolve: (request: DeltaDiscoveryRequest) => void }[] = [];

  get target(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    this.#server = new Server();
    this.#server.addService(
      {
        delta: {
          path: "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
          requestStream: true,
          responseStream: true,
          requestSerialize: (value: DeltaDiscoveryRequest) => Buffer.from(toBinary(DeltaDiscoveryRequestSchema, value)),
          requestDeserialize: (bytes: Buffer) => fromBinary(DeltaDiscoveryRequestSchema, bytes),
          responseSerialize: (value: DeltaDiscoveryResponse) => Buffer.from(toBinary(DeltaDiscoveryResponseSchema, value)),
          responseDeserialize: (bytes: Buffer) => fromBinary(DeltaDiscoveryResponseSchema, bytes),
        },
      },
      { delta: (stream: Stream) => this.#onStream(stream) },
    );
    this.#port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(`127.0.0.1:${this.#port}`, ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
  }

  /** As a process that is killed. */
  stop(): void {
    this.#server.forceShutdown();
  }

  send(typeUrl: string, resources: readonly FakeResource[], removedResources: readonly string[] = []): string {
    const nonce = `n${++this.#nonce}`;
    this.#stream?.write(
      create(DeltaDiscoveryResponseSchema, {
        typeUrl,
        nonce,
        resources: resources.map(({ name, version, bytes }) => create(ResourceSchema, { name, version, resource: anyOf(typeUrl, bytes) })),
        removedResources: [...removedResources],
      }),
    );
    return nonce;
  }

  /** The next request that matches, or one that is here already and was not asked for before. */
  next(matches: (request: DeltaDiscoveryRequest) => boolean): Promise<DeltaDiscoveryRequest> {
    const index = this.requests.findIndex(matches);
    if (index >= 0) return Promise.resolve(this.requests.splice(index, 1)[0] as DeltaDiscoveryRequest);
    return new Promise((resolve) => this.#waiting.push({ matches, resolve }));
  }

  subscription(typeUrl: string): Promise<DeltaDiscoveryRequest> {
    return this.next((request) => request.typeUrl === typeUrl && request.responseNonce === "");
  }

  answer(nonce: string): Promise<DeltaDiscoveryRequest> {
    return this.next((request) => request.responseNonce === nonce);
  }

  #onStream(stream: Stream): void {
    this.streams++;
    this.#stream = stream;
    stream.on("error", () => {});
    stream.on("data", (request: DeltaDiscoveryRequest) => {
      const index = this.#waiting.findIndex(({ matches }) => matches(request));
      if (index >= 0) this.#waiting.splice(index, 1)[0]?.resolve(request);
      else this.requests.push(request);
    });
    stream.on("end", () => stream.end());
  }
}
