// A delta ADS server that serves fixed resources to whoever asks: to our proxy and to real Envoy alike. It knows nothing of Istio;
// tests and benchmarks give it resources and change them.
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  ResourceSchema,
} from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { DeltaDiscoveryRequest, DeltaDiscoveryResponse } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { CLUSTER_TYPE, LISTENER_TYPE } from "#envoy/type-urls";

export interface ReplayResource {
  readonly typeUrl: string;
  readonly name: string;
  readonly value: Uint8Array;
}

export interface ReplayServer {
  readonly port: number;
  /** Replaces everything; connected proxies get the difference. */
  set(resources: readonly ReplayResource[]): void;
  /** NACK messages since the start, by type. */
  readonly nacks: readonly { typeUrl: string; message: string }[];
  close(): Promise<void>;
}

interface Subscription {
  wildcard: boolean;
  readonly names: Set<string>;
  /** What the proxy has: name to version. */
  readonly sent: Map<string, string>;
}

type AdsStream = ServerDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;

/** Starts the server on a free port of 127.0.0.1. */
export async function startReplayServer(initial: readonly ReplayResource[]): Promise<ReplayServer> {
  let resources = new Map<string, Map<string, { value: Uint8Array; version: string }>>();
  let counter = 0;
  const nacks: { typeUrl: string; message: string }[] = [];
  const streams = new Map<AdsStream, Map<string, Subscription>>();

  const load = (list: readonly ReplayResource[]): void => {
    const next: typeof resources = new Map();
    for (const { typeUrl, name, value } of list) {
      let ofType = next.get(typeUrl);
      if (ofType === undefined) next.set(typeUrl, (ofType = new Map()));
      const old = resources.get(typeUrl)?.get(name);
      const same = old !== undefined && Buffer.compare(old.value, value) === 0;
      ofType.set(name, { value, version: same ? old.version : String(++counter) });
    }
    resources = next;
  };

  const push = (stream: AdsStream, typeUrl: string, subscription: Subscription, always: boolean): void => {
    const ofType = resources.get(typeUrl) ?? new Map<string, { value: Uint8Array; version: string }>();
    const added = [];
    for (const [name, { value, version }] of ofType) {
      if (!subscription.wildcard && !subscription.names.has(name)) continue;
      if (subscription.sent.get(name) === version) continue;
      subscription.sent.set(name, version);
      added.push(create(ResourceSchema, { name, version, resource: create(AnySchema, { typeUrl, value }) }));
    }
    const removedResources = [...subscription.sent.keys()].filter((name) => !ofType.has(name));
    for (const name of removedResources) subscription.sent.delete(name);
    if (added.length === 0 && removedResources.length === 0 && !always) return;
    stream.write(
      create(DeltaDiscoveryResponseSchema, {
        typeUrl,
        resources: added,
        removedResources,
        nonce: String(++counter),
        systemVersionInfo: String(counter),
      }),
    );
  };

  const onStream = (stream: AdsStream): void => {
    const subscriptions = new Map<string, Subscription>();
    streams.set(stream, subscriptions);
    stream.on("data", (request: DeltaDiscoveryRequest) => {
      const { typeUrl } = request;
      if (request.errorDetail !== undefined) nacks.push({ typeUrl, message: request.errorDetail.message });
      let subscription = subscriptions.get(typeUrl);
      const first = subscription === undefined;
      if (subscription === undefined) {
        subscription = { wildcard: false, names: new Set(), sent: new Map(Object.entries(request.initialResourceVersions)) };
        const wildcardType = typeUrl === CLUSTER_TYPE || typeUrl === LISTENER_TYPE;
        subscription.wildcard = wildcardType && request.resourceNamesSubscribe.length === 0;
        subscriptions.set(typeUrl, subscription);
      }
      for (const name of request.resourceNamesSubscribe) {
        if (name === "*") subscription.wildcard = true;
        else {
          subscription.names.add(name);
          if (!first) subscription.sent.delete(name);
        }
      }
      for (const name of request.resourceNamesUnsubscribe) {
        subscription.names.delete(name);
        subscription.sent.delete(name);
      }
      if (first || request.resourceNamesSubscribe.length > 0) push(stream, typeUrl, subscription, first);
    });
    const forget = (): void => void streams.delete(stream);
    stream.on("end", () => {
      forget();
      stream.end();
    });
    stream.on("error", forget);
    stream.on("cancelled", forget);
  };

  load(initial);
  const server = new Server({ "grpc.max_receive_message_length": 64 << 20 });
  server.addService(
    {
      DeltaAggregatedResources: {
        path: "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources",
        requestStream: true,
        responseStream: true,
        requestSerialize: (value: DeltaDiscoveryRequest) => Buffer.from(toBinary(DeltaDiscoveryRequestSchema, value)),
        requestDeserialize: (bytes: Buffer) => fromBinary(DeltaDiscoveryRequestSchema, bytes),
        responseSerialize: (value: DeltaDiscoveryResponse) => Buffer.from(toBinary(DeltaDiscoveryResponseSchema, value)),
        responseDeserialize: (bytes: Buffer) => fromBinary(DeltaDiscoveryResponseSchema, bytes),
      },
    },
    { DeltaAggregatedResources: onStream },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    port,
    nacks,
    set(list) {
      load(list);
      for (const [stream, subscriptions] of streams)
        for (const [typeUrl, subscription] of subscriptions) push(stream, typeUrl, subscription, false);
    },
    close: () =>
      new Promise((resolve) => {
        server.forceShutdown();
        resolve();
      }),
  };
}
