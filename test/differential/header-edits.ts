// request_headers_to_add and its sisters, with formats whose values are the same in both proxies: no clocks, no ports of clients.
import type { JsonObject } from "@bufbuild/protobuf";
import type { Choices } from "./choices.ts";

const REQUEST_FORMATS = [
  "plain",
  "",
  "100%%",
  "%REQ(x-a)%",
  "%REQ(x-a?x-b)%",
  "%REQ(X-A):3%",
  "[%REQ(:method)% %REQ(:authority)%]",
  "%REQ(:path)%",
  "%REQ(:path):4%",
  "%REQ(:scheme)% %REQ(x-forwarded-proto)%",
  "%REQ(x-nobody)%",
  "%REQ(x-envoy-original-path?:path)%",
  "%PROTOCOL%",
  "%ROUTE_NAME%",
  "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
  "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
  "%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%",
  "%UPSTREAM_CLUSTER%",
  "%UPSTREAM_CLUSTER_RAW%",
  "%UPSTREAM_HOST%",
  "%UPSTREAM_PROTOCOL%",
  "%REQUESTED_SERVER_NAME%",
  "%DYNAMIC_METADATA(pair:word)%",
  "%DYNAMIC_METADATA(pair:b)%",
  "%DYNAMIC_METADATA(pair)%",
  "%DYNAMIC_METADATA(set:text)%",
  "%DYNAMIC_METADATA(set:number)% %DYNAMIC_METADATA(set:truth)%",
  "%DYNAMIC_METADATA(set:list)%",
  "%DYNAMIC_METADATA(set:inner)% %DYNAMIC_METADATA(set:inner:deep):2%",
  "%METADATA(ROUTE:pair:word)%",
  "%METADATA(VIRTUAL_HOST:pair:word)%",
  "%METADATA(CLUSTER:pair:word)%",
  "%METADATA(UPSTREAM_HOST:envoy.lb:version)%",
  "%METADATA(DYNAMIC:set:text)%",
  "%CLUSTER_METADATA(pair:word)%",
  "%UPSTREAM_METADATA(envoy.lb:version)%",
  "%VIRTUAL_CLUSTER_NAME%",
  "%FILTER_STATE(nobody)%",
  "%FILTER_STATE(pair.state:PLAIN)%",
  "%FILTER_STATE(pair.state)%",
  "%DOWNSTREAM_PEER_SUBJECT%",
  "%DOWNSTREAM_TLS_VERSION%",
  "%HOSTNAME%",
  "%START_TIME(%Y-%m)%",
  "%RESPONSE_FLAGS%",
  "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
] as const;
const RESPONSE_FORMATS = [
  ...REQUEST_FORMATS,
  "%RESPONSE_CODE% %RESP(:status)%",
  "%RESP(x-upstream)%",
  "%RESP(x-upstream?server)%",
  "%RESP(content-type?x-answer):2%",
  "%RESPONSE_FLAGS_LONG%",
  "%RESPONSE_CODE_DETAILS%",
  "%CONNECTION_TERMINATION_DETAILS%",
  "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
  "%UPSTREAM_REMOTE_PORT%",
  "%UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%",
  "%GRPC_STATUS%",
  "%BYTES_RECEIVED%",
  "%TRAILER(x-trailer)%",
] as const;
const ACTIONS = ["APPEND_IF_EXISTS_OR_ADD", "ADD_IF_ABSENT", "OVERWRITE_IF_EXISTS_OR_ADD", "OVERWRITE_IF_EXISTS"] as const;
const REQUEST_NAMES = ["x-a", "x-b", "X-New", "x-set", "cookie", "user-agent", "x-key", "te"] as const;
const RESPONSE_NAMES = ["x-upstream", "x-answer", "X-New", "x-twice", "vary", "server", "location", "content-type"] as const;
/** What a route can ask of the router in a request's own words. */
const ROUTER_WORDS: readonly (readonly [string, string])[] = [
  ["x-envoy-retry-on", "5xx"],
  ["x-envoy-retry-on", "retriable-status-codes"],
  ["x-envoy-retriable-status-codes", "418,404"],
  ["x-envoy-retry-on", "retriable-headers"],
  ["x-envoy-retriable-header-names", "x-answer"],
  ["x-envoy-retry-grpc-on", "unavailable"],
  ["x-envoy-max-retries", "2"],
];

/** Some formats. */
export function formats(choices: Choices, of: "filter of requests" | "filter of responses"): readonly string[] {
  return choices.some<string>(of === "filter of requests" ? REQUEST_FORMATS : RESPONSE_FORMATS, 3, 6);
}

function additions(choices: Choices, names: readonly string[], formats: readonly string[]): JsonObject[] {
  return Array.from({ length: 1 + choices.integer(3) }, () => {
    const option: JsonObject = { header: { key: choices.pick(names), value: choices.pick(formats) } };
    if (choices.chance(0.2)) option["append"] = choices.chance(0.5);
    else if (choices.chance(0.8)) option["append_action"] = choices.pick(ACTIONS);
    if (choices.chance(0.2)) option["keep_empty_value"] = true;
    return option;
  });
}

/** Writes some of the four fields to a route, virtual host, weighted cluster or table. */
export function addHeaderEdits(target: JsonObject, choices: Choices): void {
  const kinds = choices.some(["add-request", "remove-request", "add-response", "remove-response"] as const, 1, 3);
  for (const kind of kinds) {
    if (kind === "add-request") {
      const list = additions(choices, REQUEST_NAMES, REQUEST_FORMATS);
      if (choices.chance(0.15))
        for (const [key, value] of choices.some(ROUTER_WORDS, 1, 3))
          list.push({ header: { key, value }, append_action: "OVERWRITE_IF_EXISTS_OR_ADD" });
      target["request_headers_to_add"] = list;
    }
    if (kind === "remove-request") target["request_headers_to_remove"] = choices.some(["x-a", "X-B", "user-agent", "x-nobody"], 1, 2);
    if (kind === "add-response") target["response_headers_to_add"] = additions(choices, RESPONSE_NAMES, RESPONSE_FORMATS);
    if (kind === "remove-response")
      target["response_headers_to_remove"] = choices.some(["x-upstream", "X-Twice", "x-nobody", "server", "content-type", "date"], 1, 2);
  }
}
