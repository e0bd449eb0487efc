// Rate limits of a route by descriptors: what a request's descriptors are made of, and the buckets of a local_ratelimit filter for some of
// them, which a request that is sent a few times empties.
import type { JsonObject } from "@bufbuild/protobuf";
import type { Choices } from "./choices.ts";
import type { Draft } from "./pair.ts";

type Entry = { key: string; value: string };

interface Action {
  readonly action: JsonObject;
  /** What it makes of the request, where it makes anything. */
  readonly entry: Entry;
}

const TYPE = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit";
const ALWAYS = { default_value: { numerator: 100 } };

const ACTIONS: readonly ((choices: Choices, draft: Draft) => Action)[] = [
  (choices) => {
    const key = choices.pick(["", "of-route"]);
    const action = { generic_key: { descriptor_value: "x", ...(key === "" ? {} : { descriptor_key: key }) } };
    return { action, entry: { key: key === "" ? "generic_key" : key, value: "x" } };
  },
  (choices, draft) => ({
    action: { request_headers: { header_name: "x-a", descriptor_key: "a", ...(choices.chance(0.4) ? { skip_if_absent: true } : {}) } },
    entry: { key: "a", value: draft.headers.get("x-a") ?? "alpha" },
  }),
  () => ({ action: { remote_address: {} }, entry: { key: "remote_address", value: "127.0.0.1" } }),
  () => ({
    action: { masked_remote_address: { v4_prefix_mask_len: 8 } },
    entry: { key: "masked_remote_address", value: "127.0.0.0/8" },
  }),
  (choices) => ({ action: { destination_cluster: {} }, entry: { key: "destination_cluster", value: choices.pick(["a", "b"]) } }),
  (choices) => {
    const expected = choices.chance(0.7);
    const matcher = { name: "x-a", ...(choices.chance(0.5) ? { present_match: true } : { string_match: { prefix: "al" } }) };
    const action = { header_value_match: { descriptor_value: "h", expect_match: expected, headers: [matcher] } };
    return { action, entry: { key: "header_match", value: "h" } };
  },
  (choices, draft) => {
    if (choices.chance(0.6)) draft.query.push("limit=1");
    const parameter = { name: "limit", ...(choices.chance(0.5) ? { present_match: true } : { string_match: { exact: "1" } }) };
    const action = {
      query_parameter_value_match: { descriptor_value: "q", expect_match: choices.chance(0.7), query_parameters: [parameter] },
    };
    return { action, entry: { key: "query_match", value: "q" } };
  },
  (choices, draft) => {
    const source = choices.pick(["DYNAMIC", "ROUTE_ENTRY"]);
    const path = source === "DYNAMIC" ? "b" : "word";
    const metadata: JsonObject = { descriptor_key: "m", metadata_key: { key: "pair", path: [{ key: path }] }, source };
    if (choices.chance(0.5)) metadata["default_value"] = "otherwise";
    if (choices.chance(0.3)) metadata["skip_if_absent"] = true;
    const value = source === "DYNAMIC" ? (draft.headers.get("x-b") ?? "otherwise") : choices.pick(["of-route", "otherwise"]);
    return { action: { metadata }, entry: { key: "m", value } };
  },
];

function bucket(choices: Choices): JsonObject {
  return { max_tokens: choices.pick([1, 1, 2, 3]), fill_interval: "3600s" };
}

/** Gives the route limits, and its filter descriptors that have something to do with them. */
export function addRateLimits(route: JsonObject, choices: Choices, draft: Draft): void {
  const made = Array.from({ length: 1 + choices.integer(2) }, () =>
    Array.from({ length: 1 + choices.integer(2) }, () => choices.pick(ACTIONS)(choices, draft)),
  );
  const stage = choices.chance(0.15) ? 1 : 0;
  (route["route"] as JsonObject)["rate_limits"] = made.map((actions) => ({
    actions: actions.map(({ action }) => action),
    ...(stage === 1 && choices.chance(0.7) ? { stage } : {}),
  }));
  const descriptors = made
    .filter(() => choices.chance(0.85))
    .map((actions) => ({
      entries: actions.map(({ entry }) => (choices.chance(0.1) ? { ...entry, value: "another" } : entry)),
      token_bucket: bucket(choices),
    }));
  // Two descriptors with the same entries are refused.
  const distinct = [...new Map(descriptors.map((one) => [JSON.stringify(one.entries), one])).values()];
  const config: JsonObject = {
    "@type": TYPE,
    stat_prefix: "route",
    token_bucket: { max_tokens: choices.pick([1, 2, 3, 100]), fill_interval: "3600s" },
    filter_enabled: ALWAYS,
    filter_enforced: ALWAYS,
    descriptors: distinct,
  };
  if (stage === 1 && choices.chance(0.7)) config["stage"] = stage;
  if (choices.chance(0.4)) config["enable_x_ratelimit_headers"] = "DRAFT_VERSION_03";
  if (choices.chance(0.3)) config["always_consume_default_token_bucket"] = choices.chance(0.3);
  if (choices.chance(0.3)) config["vh_rate_limits"] = choices.pick(["OVERRIDE", "INCLUDE", "IGNORE"]);
  const configs = (route["typed_per_filter_config"] ??= {}) as JsonObject;
  configs["envoy.filters.http.local_ratelimit"] = config;
  draft.times = 1 + choices.integer(4);
}
