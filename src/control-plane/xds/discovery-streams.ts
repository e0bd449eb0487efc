// gRPC streams of proxies and agents joined to the discovery server. An error ends the stream that caused it and no other.
import { status, type ServerDuplexStream } from "@grpc/grpc-js";
import type {
  DeltaDiscoveryRequest,
  DeltaDiscoveryResponse,
  DiscoveryRequest,
  DiscoveryResponse,
} from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { HEALTH_INFORMATION_TYPE } from "#envoy/type-urls";
import type { Log } from "#runtime/log";
import { fromDelta } from "./delta-protocol.ts";
import type { DiscoveryServer } from "./discovery-server.ts";
import { SessionError } from "./discovery-session.ts";
import { deltaResponse } from "./encoded-response.ts";
import type { HealthSession } from "./health-session.ts";
import { OversizedNode } from "./node-limit.ts";
import type { ProxyConnection } from "./proxy-connection.ts";
import { SotwProtocol } from "./sotw-protocol.ts";

/** Responses may come in their wire form. */
export type DeltaCall = ServerDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse | Buffer>;
export type SotwCall = ServerDuplexStream<DiscoveryRequest, DiscoveryResponse | Buffer>;

/** `onlyType`: the stream of one type's own service; its requests may leave the type out. */
export function serveDelta(server: DiscoveryServer, call: DeltaCall, onlyType: string | undefined, log: Log): void {
  const connection = server.connectProxy({
    send: (response) => call.write(deltaResponse(response)),
    refusesWholeResponses: false,
    onlyType,
  });
  if (connection === undefined) return refuse(call, status.RESOURCE_EXHAUSTED, "too many streams");
  const end = (): void => server.disconnectProxy(connection);
  call.on("data", (request: DeltaDiscoveryRequest | OversizedNode) =>
    guard(call, end, log, () => {
      const asked = decoded(request);
      connection.receive(named(fromDelta(asked), onlyType), asked.node);
    }),
  );
  closeWith(call, end);
}

/** A proxy's stream in the state-of-the-world protocol, an agent's health reports, or both on one stream as Istio's agent has it. */
export function serveSotw(server: DiscoveryServer, call: SotwCall, onlyType: string | undefined, log: Log): void {
  const protocol = new SotwProtocol();
  let connection: ProxyConnection | undefined;
  let health: HealthSession | undefined;
  const end = (): void => {
    if (connection !== undefined) server.disconnectProxy(connection);
    if (health !== undefined) server.disconnectAgent(health);
  };
  const receive = (request: DiscoveryRequest): void => {
    if (request.typeUrl === HEALTH_INFORMATION_TYPE) {
      health ??= server.connectAgent((response) => call.write(response));
      if (health === undefined) return refuse(call, status.RESOURCE_EXHAUSTED, "too many streams");
      return health.receive(request);
    }
    connection ??= server.connectProxy({
      send: (response) => call.write(protocol.write(response)),
      refusesWholeResponses: true,
      onlyType,
    });
    if (connection === undefined) return refuse(call, status.RESOURCE_EXHAUSTED, "too many streams");
    const asked = protocol.read(named(request, onlyType));
    if (asked !== undefined) connection.receive(asked, request.node);
  };
  call.on("data", (request: DiscoveryRequest | OversizedNode) => guard(call, end, log, () => receive(decoded(request))));
  closeWith(call, end);
}

/** @throws SessionError */
function decoded<R>(request: R | OversizedNode): R {
  if (request instanceof OversizedNode) throw new SessionError(request.message);
  return request;
}

function named<R extends { readonly typeUrl: string }>(request: R, onlyType: string | undefined): R {
  return request.typeUrl === "" && onlyType !== undefined ? { ...request, typeUrl: onlyType } : request;
}

function guard(call: DeltaCall | SotwCall, end: () => void, log: Log, task: () => void): void {
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

function refuse(call: DeltaCall | SotwCall, code: status, details: string): void {
  call.emit("error", { code, details, name: "RefusedStream", message: details });
}

function closeWith(call: DeltaCall | SotwCall, end: () => void): void {
  call.on("end", () => {
    end();
    call.end();
  });
  call.on("cancelled", end);
  call.on("error", end);
  call.on("close", end);
}
