// The discovery server on a socket: gRPC with limits and keep-alive. Loopback only until proxies prove who they are.
import { Server, ServerCredentials, status, type ServerDuplexStream } from "@grpc/grpc-js";
import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
  DiscoveryRequest,
  DiscoveryResponse,
} from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { HEALTH_INFORMATION_TYPE } from "#envoy/type-urls";
import type { Log } from "#runtime/log";
import { adsService } from "./ads-service.ts";
import { SessionError } from "./delta-session.ts";
import type { DiscoveryServer } from "./discovery-server.ts";

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
  grpc.addService(adsService, {
    DeltaAggregatedResources: (call: DeltaCall) => serveProxy(server, call, log),
    StreamAggregatedResources: (call: StreamCall) => serveAgent(server, call, log),
  });
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

type DeltaCall = ServerDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>;
type StreamCall = ServerDuplexStream<DiscoveryRequest, DiscoveryResponse>;

function serveProxy(server: DiscoveryServer, call: DeltaCall, log: Log): void {
  const connection = server.connectProxy((response) => call.write(response));
  if (connection === undefined) return refuse(call, status.RESOURCE_EXHAUSTED, "too many streams");
  const end = (): void => server.disconnectProxy(connection);
  call.on("data", (request: DeltaDiscoveryRequest) => guard(call, end, log, () => connection.receive(request)));
  closeWith(call, end);
}

function serveAgent(server: DiscoveryServer, call: StreamCall, log: Log): void {
  const session = server.connectAgent((response) => call.write(response));
  if (session === undefined) return refuse(call, status.RESOURCE_EXHAUSTED, "too many streams");
  const end = (): void => server.disconnectAgent(session);
  call.on("data", (request: DiscoveryRequest) => {
    if (request.typeUrl !== HEALTH_INFORMATION_TYPE) {
      end();
      return refuse(
        call,
        status.UNIMPLEMENTED,
        `state-of-the-world streams serve ${HEALTH_INFORMATION_TYPE} only, not ${request.typeUrl}: use DeltaAggregatedResources`,
      );
    }
    guard(call, end, log, () => session.receive(request));
  });
  closeWith(call, end);
}

/** Runs what a request asks for; an error ends this stream and no other. */
function guard(call: DeltaCall | StreamCall, end: () => void, log: Log, task: () => void): void {
  try {
    task();
  } catch (error) {
    end();
    if (error instanceof SessionError) {
      log.warn("a discovery stream is refused", { reason: error.message });
      refuse(call, status.INVALID_ARGUMENT, error.message);
    } else {
      log.error("a discovery stream failed", { error: String(error) });
      refuse(call, status.INTERNAL, "internal error");
    }
  }
}

function refuse(call: DeltaCall | StreamCall, code: status, details: string): void {
  call.emit("error", { code, details, name: "RefusedStream", message: details });
}

function closeWith(call: DeltaCall | StreamCall, end: () => void): void {
  call.on("end", () => {
    end();
    call.end();
  });
  call.on("cancelled", end);
  call.on("error", end);
  call.on("close", end);
}
