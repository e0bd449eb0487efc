// Events of health checks, and their line in a log: envoy.data.core.v3.HealthCheckEvent as JSON, one a line, as Envoy writes them.
import { create, toJsonString } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { HealthCheckEventSchema, HealthCheckFailureType, HealthCheckerType } from "#envoy/gen/envoy/data/core/v3/health_check_event_pb";
import type { HealthCheckEvent } from "#envoy/gen/envoy/data/core/v3/health_check_event_pb";
import type { SocketAddress } from "#proxy/net/connection";
import { isPipe } from "#proxy/net/socket-address";
import type { HealthFailureType } from "./health-check-session.ts";

export type HealthEvent =
  | { readonly kind: "eject-unhealthy"; readonly type: HealthFailureType }
  | { readonly kind: "add-healthy"; readonly firstCheck: boolean }
  | { readonly kind: "success" }
  | { readonly kind: "failure"; readonly type: HealthFailureType; readonly firstCheck: boolean }
  | { readonly kind: "degraded" }
  | { readonly kind: "no-longer-degraded" };

export interface HealthEventSource {
  readonly cluster: string;
  readonly checker: "http" | "grpc" | "tcp";
  readonly host: SocketAddress;
  readonly locality: string;
  readonly wallMs: number;
}

const CHECKER = { http: HealthCheckerType.HTTP, grpc: HealthCheckerType.GRPC, tcp: HealthCheckerType.TCP } as const;

export function healthEventLine(event: HealthEvent, { cluster, checker, host, locality, wallMs }: HealthEventSource): string {
  const [region = "", zone = "", subZone = ""] = locality.split("/");
  const message = create(HealthCheckEventSchema, {
    healthCheckerType: CHECKER[checker],
    host: {
      address: isPipe(host)
        ? { case: "pipe", value: { path: host.address } }
        : { case: "socketAddress", value: { address: host.address, portSpecifier: { case: "portValue", value: host.port } } },
    },
    clusterName: cluster,
    event: wireEvent(event),
    timestamp: timestampFromMs(Math.trunc(wallMs)),
    locality: { region, zone, subZone },
  });
  return `${toJsonString(HealthCheckEventSchema, message, { alwaysEmitImplicit: true, useProtoFieldName: true })}\n`;
}

function wireEvent(event: HealthEvent): HealthCheckEvent["event"] {
  switch (event.kind) {
    case "eject-unhealthy":
      return {
        case: "ejectUnhealthyEvent",
        value: { $typeName: "envoy.data.core.v3.HealthCheckEjectUnhealthy", failureType: FAILURE[event.type] },
      };
    case "add-healthy":
      return { case: "addHealthyEvent", value: { $typeName: "envoy.data.core.v3.HealthCheckAddHealthy", firstCheck: event.firstCheck } };
    case "success":
      return { case: "successfulHealthCheckEvent", value: { $typeName: "envoy.data.core.v3.HealthCheckSuccessful" } };
    case "failure":
      return {
        case: "healthCheckFailureEvent",
        value: { $typeName: "envoy.data.core.v3.HealthCheckFailure", failureType: FAILURE[event.type], firstCheck: event.firstCheck },
      };
    case "degraded":
      return { case: "degradedHealthyHost", value: { $typeName: "envoy.data.core.v3.DegradedHealthyHost" } };
    case "no-longer-degraded":
      return { case: "noLongerDegradedHost", value: { $typeName: "envoy.data.core.v3.NoLongerDegradedHost" } };
  }
}

const FAILURE: Readonly<Record<HealthFailureType, HealthCheckFailureType>> = {
  ACTIVE: HealthCheckFailureType.ACTIVE,
  PASSIVE: HealthCheckFailureType.PASSIVE,
  NETWORK: HealthCheckFailureType.NETWORK,
  NETWORK_TIMEOUT: HealthCheckFailureType.NETWORK_TIMEOUT,
};
