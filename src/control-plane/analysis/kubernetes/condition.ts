// Conditions in the status of objects that say that something is not as it should be.
import type { Analyzer } from "#control-plane/analysis/analyzer";
import { MESSAGES } from "#control-plane/analysis/messages";

const WAYPOINT = ["istio.io/WaypointBound"];
const GATEWAY_API = ["Accepted", "Programmed", "ResolvedRefs"];

/** Conditions that should not be False, by kind. */
const EXPECTED = {
  Service: WAYPOINT,
  ServiceEntry: WAYPOINT,
  WorkloadEntry: WAYPOINT,
  AuthorizationPolicy: ["ZtunnelAccepted", "WaypointAccepted"],
  KubernetesGateway: GATEWAY_API,
  HTTPRoute: GATEWAY_API,
  GRPCRoute: GATEWAY_API,
} as const satisfies Readonly<Record<string, readonly string[]>>;

const KINDS = Object.keys(EXPECTED) as (keyof typeof EXPECTED)[];

export const conditionAnalyzer: Analyzer = {
  name: "conditions.ConditionAnalyzer",
  description: "No condition of an object is negative",
  inputs: KINDS,
  analyze: ({ objects, report }) => {
    for (const kind of KINDS) {
      const expected = new Set<string>(EXPECTED[kind]);
      for (const object of objects.list(kind)) {
        const { conditions = [], parents = [] } = object.status;
        for (const condition of [...conditions, ...parents.flatMap((parent) => parent?.conditions ?? [])]) {
          const { type = "", status, reason = "", message = "" } = condition ?? {};
          const isPartlyInvalid = kind === "AuthorizationPolicy" && type === "WaypointAccepted" && reason === "PartiallyInvalid";
          if (!isPartlyInvalid && !(expected.has(type) && status === "False")) continue;
          report(object, MESSAGES.NegativeConditionStatus, [type, reason, message], { near: "status" });
        }
      }
    }
  },
};
