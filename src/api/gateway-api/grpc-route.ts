// GRPCRoute.
import { field, required, type Decoded } from "#api/declaration";
import { choice, list, structure, text } from "#api/structure";
import { backendReferenceFields, hostname, sectionName } from "./references.ts";
import { filterFields, headerName, matchType, routeFields, sessionPersistence, weight } from "./route.ts";

/** The value of `type` and the field that goes with it. */
export const grpcFilterSettings = {
  RequestHeaderModifier: "requestHeaderModifier",
  ResponseHeaderModifier: "responseHeaderModifier",
  RequestMirror: "requestMirror",
  ExtensionRef: "extensionRef",
} as const;

const grpcRouteFilter = structure("GRPCRouteFilter", {
  type: required(
    choice(Object.keys(grpcFilterSettings) as (keyof typeof grpcFilterSettings)[]),
    "Which filter; its settings stand in the field of its name",
  ),
  ...filterFields,
});
export type GrpcRouteFilter = Decoded<typeof grpcRouteFilter>;

const filters = field(list(grpcRouteFilter, { maxItems: 16 }), "What happens to requests and responses");

const methodMatch = structure("GRPCMethodMatch", {
  type: field(choice(["Exact", "RegularExpression"]), "How the names are compared; Exact when it is left out"),
  service: field(text({ maxLength: 1024 }), "The service's full name"),
  method: field(text({ maxLength: 1024 }), "The method's name"),
});
export type GrpcMethodMatch = Decoded<typeof methodMatch>;

const grpcRouteRule = structure("GRPCRouteRule", {
  name: field(sectionName, "The rule's name, once in its route"),
  matches: field(
    list(
      structure("GRPCRouteMatch", {
        method: field(methodMatch, "Service and method; any when it is left out"),
        headers: field(
          list(
            structure("GRPCHeaderMatch", {
              type: matchType,
              name: required(headerName, "The header's name"),
              value: required(text({ minLength: 1, maxLength: 4096 }), "Its value"),
            }),
            { maxItems: 16, listKeys: ["name"] },
          ),
          "Headers, all of which must match",
        ),
      }),
      { maxItems: 64 },
    ),
    "Requests it is for; any of the matches suffices",
  ),
  filters,
  backendRefs: field(list(structure("GRPCBackendRef", { ...backendReferenceFields, weight, filters }), { maxItems: 16 }), "Who answers"),
  sessionPersistence: field(sessionPersistence, "Keeps a caller with one endpoint"),
});

export const grpcRoute = structure("GRPCRoute", {
  ...routeFields,
  hostnames: field(list(hostname, { maxItems: 16 }), "Hosts of its requests"),
  rules: field(list(grpcRouteRule, { maxItems: 16 }), "What happens to which requests"),
});
export type GrpcRouteSpec = Decoded<typeof grpcRoute>;
