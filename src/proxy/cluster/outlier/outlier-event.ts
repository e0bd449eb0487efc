// Ejections and returns of hosts as lines of a log: envoy.data.cluster.v3.OutlierDetectionEvent as JSON, one a line, as Envoy writes them.
import { create, toJsonString } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Action, OutlierDetectionEventSchema, OutlierEjectionType } from "#envoy/gen/envoy/data/cluster/v3/outlier_detection_event_pb";
import type { OutlierDetectionEvent } from "#envoy/gen/envoy/data/cluster/v3/outlier_detection_event_pb";
import type { SocketAddress } from "#proxy/net/connection";
import { addressText } from "#proxy/net/socket-address";
import type { EjectionType } from "./outlier-config.ts";

export interface OutlierEvent {
  readonly action: "eject" | "uneject";
  /** Of an ejection. */
  readonly type?: EjectionType;
  /** The ejection was only found out, not done. */
  readonly enforced?: boolean;
  readonly host: SocketAddress;
  readonly ejections: number;
  /** Undefined: nothing was done before. */
  readonly sinceLastActionMs: number | undefined;
  /** In per cent, of ejections that go by it. */
  readonly successRate?: number;
  readonly average?: number;
  readonly threshold?: number;
}

const TYPES: Readonly<Record<EjectionType, OutlierEjectionType>> = {
  consecutive_5xx: OutlierEjectionType.CONSECUTIVE_5XX,
  consecutive_gateway_failure: OutlierEjectionType.CONSECUTIVE_GATEWAY_FAILURE,
  consecutive_local_origin_failure: OutlierEjectionType.CONSECUTIVE_LOCAL_ORIGIN_FAILURE,
  success_rate: OutlierEjectionType.SUCCESS_RATE,
  local_origin_success_rate: OutlierEjectionType.SUCCESS_RATE_LOCAL_ORIGIN,
  failure_percentage: OutlierEjectionType.FAILURE_PERCENTAGE,
  local_origin_failure_percentage: OutlierEjectionType.FAILURE_PERCENTAGE_LOCAL_ORIGIN,
};

export function outlierEventLine(event: OutlierEvent, cluster: string, wallMs: number): string {
  const { sinceLastActionMs: since } = event;
  const message = create(OutlierDetectionEventSchema, {
    ...(event.type === undefined ? {} : { type: TYPES[event.type], event: detailsOf(event, event.type) }),
    timestamp: timestampFromMs(Math.trunc(wallMs)),
    ...(since === undefined ? {} : { secsSinceLastAction: BigInt(Math.trunc(since / 1000)) }),
    clusterName: cluster,
    upstreamUrl: addressText(event.host),
    action: event.action === "eject" ? Action.EJECT : Action.UNEJECT,
    numEjections: event.ejections,
    enforced: event.enforced ?? false,
  });
  return `${toJsonString(OutlierDetectionEventSchema, message, { alwaysEmitImplicit: true, useProtoFieldName: true })}\n`;
}

function detailsOf({ successRate = 0, average = 0, threshold = 0 }: OutlierEvent, type: EjectionType): OutlierDetectionEvent["event"] {
  const $typeName = "envoy.data.cluster.v3.OutlierEjectSuccessRate";
  switch (type) {
    case "success_rate":
    case "local_origin_success_rate":
      return {
        case: "ejectSuccessRateEvent",
        value: {
          $typeName,
          hostSuccessRate: Math.trunc(successRate),
          clusterAverageSuccessRate: Math.trunc(average),
          clusterSuccessRateEjectionThreshold: Math.trunc(threshold),
        },
      };
    case "failure_percentage":
    case "local_origin_failure_percentage":
      return {
        case: "ejectFailurePercentageEvent",
        value: { $typeName: "envoy.data.cluster.v3.OutlierEjectFailurePercentage", hostSuccessRate: Math.trunc(successRate) },
      };
    default:
      return { case: "ejectConsecutiveEvent", value: { $typeName: "envoy.data.cluster.v3.OutlierEjectConsecutive" } };
  }
}
