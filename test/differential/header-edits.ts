// request_headers_to_add and its sisters, with formats whose values are the same in both proxies: no clocks, no ports.
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
  "%REQ(x-nobody)%",
  "%PROTOCOL%",
  "%ROUTE_NAME%",
  "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
  "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
  "%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%",
  "%UPSTREAM_CLUSTER%",
  "%REQUESTED_SERVER_NAME%",
  "%DYNAMIC_METADATA(pair:word)%",
  "%FILTER_STATE(nobody)%",
  "%DOWNSTREAM_PEER_SUBJECT%",
] as const;
const RESPONSE_FORMATS = [
  ...REQUEST_FORMATS,
  "%RESPONSE_CODE%",
  "%RESP(x-upstream)%",
  "%RESP(x-upstream?server)%",
  "%RESPONSE_FLAGS%",
  "%RESPONSE_CODE_DETAILS%",
  "%BYTES_RECEIVED%",
  "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
] as const;
const ACTIONS = ["APPEND_IF_EXISTS_OR_ADD", "ADD_IF_ABSENT", "OVERWRITE_IF_EXISTS_OR_ADD", "OVERWRITE_IF_EXISTS"] as const;
const REQUEST_NAMES = ["x-a", "x-b", "X-New", "x-set", "cookie", "user-agent"] as const;
const RESPONSE_NAMES = ["x-upstream", "x-answer", "X-New", "x-twice", "vary", "server"] as const;

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
    if (kind === "add-request") target["request_headers_to_add"] = additions(choices, REQUEST_NAMES, REQUEST_FORMATS);
    if (kind === "remove-request") target["request_headers_to_remove"] = choices.some(["x-a", "X-B", "user-agent", "x-nobody"], 1, 2);
    if (kind === "add-response") target["response_headers_to_add"] = additions(choices, RESPONSE_NAMES, RESPONSE_FORMATS);
    if (kind === "remove-response") target["response_headers_to_remove"] = choices.some(["x-upstream", "X-Twice", "x-nobody"], 1, 2);
  }
}
