// Cluster.health_checks -> HealthCheckConfig, with Envoy's defaults and limits. As Envoy, a cluster has one at most.
import { RequestMethod } from "#envoy/gen/envoy/config/core/v3/base_pb";
import type {
  HealthCheck,
  HealthCheck_GrpcHealthCheck,
  HealthCheck_HttpHealthCheck,
} from "#envoy/gen/envoy/config/core/v3/health_check_pb";
import { ProxyProtocolConfig_Version as ProxyVersion } from "#envoy/gen/envoy/config/core/v3/proxy_protocol_pb";
import { HealthCheckEventFileSinkSchema } from "#envoy/gen/envoy/extensions/health_check/event_sinks/file/v3/file_pb";
import { CodecClientType } from "#envoy/gen/envoy/type/v3/http_pb";
import type { Int64Range } from "#envoy/gen/envoy/type/v3/range_pb";
import { nameOf, unpack } from "#envoy/any";
import { durationMs } from "#envoy/duration";
import { compileStringMatcher } from "#matcher/string-matcher";
import type { StringMatcher } from "#matcher/string-matcher";
import { compileHeaderMutation } from "#proxy/route/header-mutation";
import type { HeaderMutation } from "#proxy/route/route";
import type { TransportLabels } from "#proxy/transport-socket/transport-sockets";
import { readPayload } from "./payload.ts";

export interface HealthCheckIntervals {
  readonly intervalMs: number;
  readonly noTrafficMs: number;
  readonly noTrafficHealthyMs: number;
  readonly unhealthyMs: number;
  readonly unhealthyEdgeMs: number;
  readonly healthyEdgeMs: number;
  readonly initialJitterMs: number;
  readonly jitterMs: number;
  readonly jitterPercent: number;
}

/** From, and up to but not including. */
type StatusRange = readonly [from: number, to: number];

export interface HttpCheckConfig {
  readonly kind: "http";
  readonly http2: boolean;
  readonly method: string;
  readonly path: string;
  /** "": the cluster's name. */
  readonly host: string;
  readonly headers: HeaderMutation | undefined;
  readonly send: Uint8Array;
  /** Must come in this order, with anything between. */
  readonly receive: readonly Uint8Array[];
  /** Of the response, to look for `receive` in; 0: no limit. */
  readonly responseBufferBytes: number;
  readonly expected: readonly StatusRange[];
  readonly retriable: readonly StatusRange[];
  readonly serviceName: StringMatcher | undefined;
}

export interface GrpcCheckConfig {
  readonly kind: "grpc";
  /** "": of the server as a whole. */
  readonly serviceName: string;
  /** "": the cluster's name. */
  readonly host: string;
  readonly metadata: HeaderMutation | undefined;
}

export interface TcpCheckConfig {
  readonly kind: "tcp";
  readonly proxyProtocol: 1 | 2 | undefined;
  readonly send: Uint8Array;
  /** Empty: a connection is enough. */
  readonly receive: readonly Uint8Array[];
}

export interface HealthCheckConfig {
  readonly timeoutMs: number;
  readonly intervals: HealthCheckIntervals;
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
  /** Of all hosts whose endpoint says no other; undefined: where traffic goes. */
  readonly altPort: number | undefined;
  readonly reuseConnection: boolean;
  readonly probe: HttpCheckConfig | GrpcCheckConfig | TcpCheckConfig;
  /** Files that events are written to. */
  readonly eventLogs: readonly string[];
  readonly alwaysLogFailures: boolean;
  readonly alwaysLogSuccess: boolean;
  readonly applicationProtocols: readonly string[];
  /** Choose the transport socket in the place of the endpoint's own. */
  readonly transportLabels: TransportLabels | undefined;
}

type Refuse = (path: string, message: string) => void;

const DEFAULT_NO_TRAFFIC_MS = 60_000;
const DEFAULT_RESPONSE_BUFFER_BYTES = 1024n;
const EXPECTED_BY_DEFAULT: StatusRange = [200, 201];
const WITHOUT_BODY: ReadonlySet<string> = new Set(["GET", "HEAD", "DELETE", "TRACE"]);

export function readHealthChecks(checks: readonly HealthCheck[], refuse: Refuse): HealthCheckConfig | undefined {
  const [wire] = checks;
  if (wire === undefined) return undefined;
  if (checks.length > 1) refuse("health_checks", "a cluster may have one only");
  const path = "health_checks[0]";
  if (wire.altPort !== undefined && wire.altPort > 65_535) refuse(`${path}.alt_port`, `${wire.altPort} is not a port`);
  const probe = readProbe(wire, path, refuse);
  if (probe === undefined) return undefined;
  return Object.freeze({
    timeoutMs: positive(durationMs(wire.timeout), `${path}.timeout`, refuse),
    intervals: readIntervals(wire, path, refuse),
    unhealthyThreshold: required(wire.unhealthyThreshold, `${path}.unhealthy_threshold`, refuse),
    healthyThreshold: required(wire.healthyThreshold, `${path}.healthy_threshold`, refuse),
    altPort: wire.altPort,
    reuseConnection: wire.reuseConnection ?? true,
    probe,
    eventLogs: readEventLogs(wire, path, refuse),
    alwaysLogFailures: wire.alwaysLogHealthCheckFailures,
    alwaysLogSuccess: wire.alwaysLogHealthCheckSuccess,
    applicationProtocols: wire.tlsOptions?.alpnProtocols ?? [],
    transportLabels: wire.transportSocketMatchCriteria,
  });
}

function positive(value: number | undefined, path: string, refuse: Refuse): number {
  if (value === undefined) refuse(path, "must be set");
  else if (value <= 0) refuse(path, "must be above 0s");
  return value ?? 0;
}

function required(value: number | undefined, path: string, refuse: Refuse): number {
  if (value === undefined) refuse(path, "must be set");
  return value ?? 0;
}

function readIntervals(wire: HealthCheck, path: string, refuse: Refuse): HealthCheckIntervals {
  const optional = (field: string, value: number | undefined, otherwise: number): number =>
    value === undefined ? otherwise : positive(value, `${path}.${field}`, refuse);
  const intervalMs = positive(durationMs(wire.interval), `${path}.interval`, refuse);
  const noTrafficMs = optional("no_traffic_interval", durationMs(wire.noTrafficInterval), DEFAULT_NO_TRAFFIC_MS);
  const unhealthyMs = optional("unhealthy_interval", durationMs(wire.unhealthyInterval), intervalMs);
  return {
    intervalMs,
    noTrafficMs,
    noTrafficHealthyMs: optional("no_traffic_healthy_interval", durationMs(wire.noTrafficHealthyInterval), noTrafficMs),
    unhealthyMs,
    unhealthyEdgeMs: optional("unhealthy_edge_interval", durationMs(wire.unhealthyEdgeInterval), unhealthyMs),
    healthyEdgeMs: optional("healthy_edge_interval", durationMs(wire.healthyEdgeInterval), intervalMs),
    initialJitterMs: durationMs(wire.initialJitter) ?? 0,
    jitterMs: durationMs(wire.intervalJitter) ?? 0,
    jitterPercent: wire.intervalJitterPercent,
  };
}

function readProbe(wire: HealthCheck, path: string, refuse: Refuse): HealthCheckConfig["probe"] | undefined {
  const { healthChecker } = wire;
  switch (healthChecker.case) {
    case "httpHealthCheck":
      return readHttp(healthChecker.value, `${path}.http_health_check`, refuse);
    case "tcpHealthCheck": {
      const { send, receive, proxyProtocolConfig } = healthChecker.value;
      const at = `${path}.tcp_health_check`;
      const version = proxyProtocolConfig === undefined ? undefined : proxyProtocolConfig.version === ProxyVersion.V2 ? 2 : 1;
      return {
        kind: "tcp",
        proxyProtocol: version,
        send: readPayload(send, `${at}.send`, refuse),
        receive: receive.map((part, index) => readPayload(part, `${at}.receive[${index}]`, refuse)),
      };
    }
    case "grpcHealthCheck":
      return readGrpc(healthChecker.value, `${path}.grpc_health_check`, refuse);
    case "customHealthCheck":
      refuse(`${path}.custom_health_check`, `"${healthChecker.value.name}" is not known to this proxy`);
      return undefined;
    case undefined:
      refuse(path, "needs one of http_health_check, tcp_health_check, grpc_health_check");
      return undefined;
    default:
      return healthChecker satisfies never;
  }
}

function readHttp(wire: HealthCheck_HttpHealthCheck, path: string, refuse: Refuse): HttpCheckConfig {
  if (wire.path === "") refuse(`${path}.path`, "must not be empty");
  if (wire.codecClientType === CodecClientType.HTTP3) refuse(`${path}.codec_client_type`, "HTTP3 is not served");
  const method = wire.method === RequestMethod.METHOD_UNSPECIFIED ? "GET" : (RequestMethod[wire.method] ?? "");
  if (method === "" || method === "CONNECT") refuse(`${path}.method`, `${wire.method} cannot be used`);
  const send = readPayload(wire.send, `${path}.send`, refuse);
  if (wire.send !== undefined && WITHOUT_BODY.has(method)) refuse(`${path}.send`, `a request with method ${method} has no body`);
  const receive = wire.receive.map((part, index) => readPayload(part, `${path}.receive[${index}]`, refuse));
  const responseBufferBytes = Number(wire.responseBufferSize ?? DEFAULT_RESPONSE_BUFFER_BYTES);
  const wanted = receive.reduce((sum, part) => sum + part.length, 0);
  if (responseBufferBytes !== 0 && wanted > responseBufferBytes)
    refuse(`${path}.receive`, `${wanted} bytes are more than response_buffer_size (${responseBufferBytes})`);
  const expected = readRanges(wire.expectedStatuses, `${path}.expected_statuses`, refuse);
  const { requestHeadersToAdd, requestHeadersToRemove } = wire;
  const mutation = { requestHeadersToAdd, requestHeadersToRemove, responseHeadersToAdd: [], responseHeadersToRemove: [] };
  return {
    kind: "http",
    http2: wire.codecClientType === CodecClientType.HTTP2,
    method,
    path: wire.path,
    host: wire.host,
    headers: compileHeaderMutation(mutation, path, refuse),
    send,
    receive,
    responseBufferBytes,
    expected: expected.length === 0 ? [EXPECTED_BY_DEFAULT] : expected,
    retriable: readRanges(wire.retriableStatuses, `${path}.retriable_statuses`, refuse),
    serviceName:
      wire.serviceNameMatcher === undefined
        ? undefined
        : compileStringMatcher(wire.serviceNameMatcher, `${path}.service_name_matcher`, refuse),
  };
}

function readGrpc(wire: HealthCheck_GrpcHealthCheck, path: string, refuse: Refuse): GrpcCheckConfig {
  const mutation = {
    requestHeadersToAdd: wire.initialMetadata,
    requestHeadersToRemove: [],
    responseHeadersToAdd: [],
    responseHeadersToRemove: [],
  };
  return { kind: "grpc", serviceName: wire.serviceName, host: wire.authority, metadata: compileHeaderMutation(mutation, path, refuse) };
}

function readRanges(ranges: readonly Int64Range[], path: string, refuse: Refuse): StatusRange[] {
  return ranges.map(({ start, end }, index): StatusRange => {
    const at = `${path}[${index}]`;
    if (start >= end) refuse(at, `start (${start}) must be below end (${end})`);
    if (start < 100n) refuse(`${at}.start`, "must be at least 100");
    if (end > 600n) refuse(`${at}.end`, "must be at most 600");
    return [Number(start), Number(end)];
  });
}

function readEventLogs(wire: HealthCheck, path: string, refuse: Refuse): string[] {
  const files = wire.eventLogPath === "" ? [] : [wire.eventLogPath];
  for (const [index, { name, typedConfig }] of wire.eventLogger.entries()) {
    const at = `${path}.event_logger[${index}]`;
    if (nameOf(typedConfig?.typeUrl ?? "") !== HealthCheckEventFileSinkSchema.typeName) {
      refuse(at, `"${name}" is not served; only files are`);
      continue;
    }
    try {
      const file = unpack(typedConfig, HealthCheckEventFileSinkSchema)?.eventLogPath ?? "";
      if (file === "") refuse(`${at}.typed_config.event_log_path`, "must not be empty");
      files.push(file);
    } catch (error) {
      refuse(at, `is not a valid HealthCheckEventFileSink: ${String(error)}`);
    }
  }
  return files;
}
