// The discovery server on a socket: gRPC with limits and keep-alive. Loopback only until proxies prove who they are.
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { Log } from "#runtime/log";
import type { DiscoveryServer } from "./discovery-server.ts";
import { DISCOVERY_SERVICES } from "./discovery-services.ts";
import { serveDelta, serveSotw, type DeltaCall, type SotwCall } from "./discovery-streams.ts";

const KEEPALIVE_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;
const MAX_STREAMS_PER_CONNECTION = 1_000;
/** Requests are names and versions; a proxy that knows very many services still stays below. */
const MAX_REQUEST_BYTES = 16 * 1024 * 1024;

export interface GrpcListener {
  readonly port: number;
  close(): Promise<void>;
}

/** @throws Error naming the port when it cannot be bound */
export async function listenGrpc(server: DiscoveryServer, address: string, port: number, log: Log): Promise<GrpcListener> {
  const grpc = new Server({
    "grpc.max_receive_message_length": MAX_REQUEST_BYTES,
    "grpc.max_send_message_length": -1,
    "grpc.max_concurrent_streams": MAX_STREAMS_PER_CONNECTION,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.keepalive_permit_without_calls": 1,
  });
  for (const { methods, deltaMethod, sotwMethod, typeUrl } of DISCOVERY_SERVICES) {
    grpc.addService(methods, {
      [deltaMethod]: (call: DeltaCall) => serveDelta(server, call, typeUrl, log),
      [sotwMethod]: (call: SotwCall) => serveSotw(server, call, typeUrl, log),
    });
  }
  const host = address.includes(":") ? `[${address}]` : address;
  const bound = await new Promise<number>((resolve, reject) => {
    grpc.bindAsync(`${host}:${port}`, ServerCredentials.createInsecure(), (error, actual) => {
      if (error === null) resolve(actual);
      else {
        reject(
          new Error(`cannot listen for proxies on ${host}:${port}: ${error.message} (is another mesh running? choose another port)`, {
            cause: error,
          }),
        );
      }
    });
  });
  return {
    port: bound,
    close: async () => {
      // Streams never end by themselves: there is nothing to wait for.
      grpc.forceShutdown();
    },
  };
}
