// HTTPRoute.
import { field, required, type Decoded } from "#api/declaration";
import { choice, list, structure, text, whole } from "#api/structure";
import { httpMethods, httpRouteFilter } from "./http-filter.ts";
import { backendReferenceFields, gatewayApiDuration, hostname, sectionName } from "./references.ts";
import { headerName, headerValue, matchType, routeFields, sessionPersistence, weight } from "./route.ts";

const pathMatch = structure("HTTPPathMatch", {
  type: field(choice(["Exact", "PathPrefix", "RegularExpression"]), "How the path is compared; PathPrefix when it is left out"),
  value: field(text({ maxLength: 1024 }), "The path; / when it is left out"),
});
export type PathMatch = Decoded<typeof pathMatch>;

const httpRouteMatch = structure("HTTPRouteMatch", {
  path: field(pathMatch, "The path; any when it is left out"),
  headers: field(
    list(
      structure("HTTPHeaderMatch", {
        type: matchType,
        name: required(headerName, "The header's name"),
        value: required(headerValue, "Its value"),
      }),
      { maxItems: 16, listKeys: ["name"] },
    ),
    "Headers, all of which must match",
  ),
  queryParams: field(
    list(
      structure("HTTPQueryParamMatch", {
        type: matchType,
        name: required(headerName, "The parameter's name"),
        value: required(text({ minLength: 1, maxLength: 1024 }), "Its value"),
      }),
      { maxItems: 16, listKeys: ["name"] },
    ),
    "Query parameters, all of which must match",
  ),
  method: field(choice(httpMethods), "The method"),
});
export type HttpRouteMatch = Decoded<typeof httpRouteMatch>;

const filters = field(list(httpRouteFilter, { maxItems: 16 }), "What happens to requests and responses");

const httpBackendRef = structure("HTTPBackendRef", { ...backendReferenceFields, weight, filters });

const httpRouteRule = structure("HTTPRouteRule", {
  name: field(sectionName, "The rule's name, once in its route"),
  matches: field(list(httpRouteMatch, { maxItems: 64 }), "Requests it is for; any of the matches suffices"),
  filters,
  backendRefs: field(list(httpBackendRef, { maxItems: 16 }), "Who answers"),
  timeouts: field(
    structure("HTTPRouteTimeouts", {
      request: field(gatewayApiDuration, "For the whole request; 0s is no limit"),
      backendRequest: field(gatewayApiDuration, "For one try"),
    }),
    "Time limits",
  ),
  retry: field(
    structure("HTTPRouteRetry", {
      codes: field(list(whole(400, 599), { listKeys: [] }), "Status codes that are tried again"),
      attempts: field(whole(1, Number.MAX_SAFE_INTEGER), "How often it is tried again"),
      backoff: field(gatewayApiDuration, "Time between tries"),
    }),
    "Tries again",
  ),
  sessionPersistence: field(sessionPersistence, "Keeps a caller with one endpoint"),
});
export type HttpRouteRule = Decoded<typeof httpRouteRule>;

export const httpRoute = structure("HTTPRoute", {
  ...routeFields,
  hostnames: field(list(hostname, { maxItems: 16 }), "Hosts of its requests"),
  rules: field(list(httpRouteRule, { minItems: 1, maxItems: 16 }), "What happens to which requests"),
});
export type HttpRouteSpec = Decoded<typeof httpRoute>;
