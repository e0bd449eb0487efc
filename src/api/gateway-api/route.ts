// What routes of the Gateway API have in common.
import { field, required, string, type Decoded } from "#api/declaration";
import { choice, list, structure, text, whole } from "#api/structure";
import { backendObjectReference, backendReferenceFields, gatewayApiDuration, localObjectReference, parentReference } from "./references.ts";

export const routeFields = {
  parentRefs: field(list(parentReference, { maxItems: 32 }), "Gateways, ListenerSets or Services that it attaches to"),
  useDefaultGateways: field(choice(["All", "None"]), "Whether it attaches to default Gateways"),
};

export const weight = field(whole(0, 1_000_000), "Its share of the requests; 1 when it is left out");

export const backendRef = structure("BackendRef", { ...backendReferenceFields, weight });
export type BackendRef = Decoded<typeof backendRef>;

export const headerName = text({ minLength: 1, maxLength: 256, pattern: "^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$", says: "a header's name" });
/** Printable characters with single spaces and tabs between them. */
export const headerValue = text({
  minLength: 1,
  maxLength: 4096,
  pattern: "^[!-~](?:[\\t ]?[!-~])*$",
  says: "printable, without spaces around",
});

export const matchType = field(choice(["Exact", "RegularExpression"]), "How the value is compared; Exact when it is left out");

const headerEdit = structure("HTTPHeader", {
  name: required(headerName, "The header's name"),
  value: required(headerValue, "Its value"),
});

const headerModifier = structure("HTTPHeaderFilter", {
  set: field(list(headerEdit, { maxItems: 16, listKeys: ["name"] }), "Headers that are replaced"),
  add: field(list(headerEdit, { maxItems: 16, listKeys: ["name"] }), "Headers that are added"),
  remove: field(list(string, { maxItems: 16, listKeys: [] }), "Headers that are removed"),
});

export const requestMirror = structure("HTTPRequestMirrorFilter", {
  backendRef: required(backendObjectReference, "Who gets the copies"),
  percent: field(whole(0, 100), "The share of requests, in percent"),
  fraction: field(
    structure("Fraction", {
      numerator: required(whole(0, 2 ** 31 - 1), "How many"),
      denominator: field(whole(1, 2 ** 31 - 1), "Of how many; 100 when it is left out"),
    }),
    "The share of requests, as a fraction",
  ),
});
export type RequestMirror = Decoded<typeof requestMirror>;

export const filterFields = {
  requestHeaderModifier: field(headerModifier, "Changes headers of requests"),
  responseHeaderModifier: field(headerModifier, "Changes headers of responses"),
  requestMirror: field(requestMirror, "Sends a copy of requests elsewhere"),
  extensionRef: field(localObjectReference, "A filter of the implementation's own"),
};

export const sessionPersistence = structure("SessionPersistence", {
  sessionName: field(text({ maxLength: 128 }), "The session's name, in the cookie or header"),
  type: field(choice(["Cookie", "Header"]), "What carries the session; Cookie when it is left out"),
  absoluteTimeout: field(gatewayApiDuration, "How long a session lasts"),
  cookieConfig: field(
    structure("CookieConfig", {
      lifetimeType: field(choice(["Permanent", "Session"]), "Whether it outlives the browser's session; Session when it is left out"),
    }),
    "The cookie",
  ),
});
export type SessionPersistence = Decoded<typeof sessionPersistence>;
