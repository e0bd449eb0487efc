// A discovery server that serves fixed resources to whoever asks: to our proxy and to real Envoy alike, state of the world or delta, all
// types on one stream (ADS) or secrets on one of their own (SDS). It knows nothing of Istio; tests and benchmarks give it resources and
// change them.
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { ServerDuplexStream, ServiceDefinition } from "@grpc/grpc-js";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { DeltaSession, SotwSession, type DiscoverySession, type Nack } from "./discovery-session.ts";
import { ResourceTable, type ReplayResource } from "./resource-table.ts";

export type { ReplayResource } from "./resource-table.ts";

export interface ReplayServer {
  readonly port: number;
  /** Replaces everything; connected proxies get the difference. */
  set(resources: readonly ReplayResource[]): void;
  /** NACK messages since the start, by type. */
  readonly nacks: readonly Nack[];
  close(): Promise<void>;
}

const AGGREGATED = "/envoy.service.discovery.v3.AggregatedDiscoveryService";
const SECRETS = "/envoy.service.secret.v3.SecretDiscoveryService";

/** Starts the server on a free port of 127.0.0.1. */
export async function startReplayServer(initial: readonly ReplayResource[]): Promise<ReplayServer> {
  const table = new ResourceTable();
  table.set(initial);
  const nacks: Nack[] = [];
  const sessions = new Set<{ push(): void }>();

  const attach = <Request, Response>(stream: ServerDuplexStream<Request, Response>, session: DiscoverySession<Request>): void => {
    sessions.add(session);
    const forget = (): void => void sessions.delete(session);
    stream.on("data", (request: Request) => session.onRequest(request));
    stream.on("end", () => {
      forget();
      stream.end();
    });
    stream.on("error", forget);
    stream.on("cancelled", forget);
  };
  type Delta = ServerDuplexStream<MessageShape<typeof DeltaDiscoveryRequestSchema>, MessageShape<typeof DeltaDiscoveryResponseSchema>>;
  type Sotw = ServerDuplexStream<MessageShape<typeof DiscoveryRequestSchema>, MessageShape<typeof DiscoveryResponseSchema>>;
  const onDelta = (stream: Delta): void =>
    attach(
      stream,
      new DeltaSession(
        table,
        (response) => stream.write(response),
        (nack) => nacks.push(nack),
      ),
    );
  const onSotw = (stream: Sotw): void =>
    attach(
      stream,
      new SotwSession(
        table,
        (response) => stream.write(response),
        (nack) => nacks.push(nack),
      ),
    );

  const server = new Server({ "grpc.max_receive_message_length": 64 << 20 });
  const delta = (path: string) => streamDefinition(path, DeltaDiscoveryRequestSchema, DeltaDiscoveryResponseSchema);
  const sotw = (path: string) => streamDefinition(path, DiscoveryRequestSchema, DiscoveryResponseSchema);
  const service: ServiceDefinition = {
    DeltaAggregatedResources: delta(`${AGGREGATED}/DeltaAggregatedResources`),
    StreamAggregatedResources: sotw(`${AGGREGATED}/StreamAggregatedResources`),
    DeltaSecrets: delta(`${SECRETS}/DeltaSecrets`),
    StreamSecrets: sotw(`${SECRETS}/StreamSecrets`),
  };
  server.addService(service, {
    DeltaAggregatedResources: onDelta,
    StreamAggregatedResources: onSotw,
    DeltaSecrets: onDelta,
    StreamSecrets: onSotw,
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return {
    port,
    nacks,
    set(list) {
      table.set(list);
      for (const session of sessions) session.push();
    },
    close: () =>
      new Promise((resolve) => {
        server.forceShutdown();
        resolve();
      }),
  };
}

function streamDefinition<In extends DescMessage, Out extends DescMessage>(path: string, request: In, response: Out) {
  return {
    path,
    requestStream: true,
    responseStream: true,
    requestSerialize: (value: MessageShape<In>) => Buffer.from(toBinary(request, value)),
    requestDeserialize: (bytes: Buffer) => fromBinary(request, bytes),
    responseSerialize: (value: MessageShape<Out>) => Buffer.from(toBinary(response, value)),
    responseDeserialize: (bytes: Buffer) => fromBinary(response, bytes),
  };
}
