// The HTTP filters that both proxies have, and their typed_per_filter_config, each with what a request has to bring for it.
import type { JsonObject } from "@bufbuild/protobuf";
import type { Choices } from "./choices.ts";
import { formats } from "./header-edits.ts";
import type { Draft } from "./pair.ts";

const TYPE = "type.googleapis.com/envoy.extensions.filters.http";
const STATE = "type.googleapis.com/envoy.extensions.http.stateful_session";
const NEVER = { default_value: { numerator: 0 } };
const ALWAYS = { default_value: { numerator: 100 } };

function filter(name: string, type: string, config: JsonObject = {}, more: JsonObject = {}): JsonObject {
  return { name: `envoy.filters.http.${name}`, typedConfig: { "@type": `${TYPE}.${name}.v3.${type}`, ...config }, ...more };
}

/** In front of the routes; most do nothing where no route asks them to. `mark` is in answers: it says which list gave them. */
export const httpFilters = (mark: string, coders: readonly JsonObject[]): JsonObject[] => [
  filter("cors", "Cors"),
  filter("csrf", "CsrfPolicy", { filter_enabled: NEVER }),
  filter("fault", "HTTPFault"),
  filter("buffer", "Buffer", { max_request_bytes: 1_000_000 }, { disabled: true }),
  filter("basic_auth", "BasicAuth", { users: { inline_string: "user1:{SHA}tESsBmE/yNY3lb6a0L6vVQEZNqw=" } }, { disabled: true }),
  filter("header_to_metadata", "Config", {
    request_rules: [{ header: "x-b", on_header_present: { metadata_namespace: "pair", key: "b" } }],
  }),
  filter("set_metadata", "Config", {
    metadata: [
      { metadata_namespace: "set", value: { text: "of-filter", number: 4.5, truth: true, list: [1, "two"], inner: { deep: "down" } } },
    ],
  }),
  filter("set_filter_state", "Config", {
    on_request_headers: [
      {
        object_key: "pair.state",
        factory_key: "envoy.string",
        format_string: { text_format_source: { inline_string: "%REQ(:method)% of %REQ(x-a)%" } },
      },
      {
        object_key: "pair.hashed",
        factory_key: "envoy.hashable_string",
        format_string: { text_format_source: { inline_string: "%REQ(x-a)%" } },
      },
    ],
  }),
  filter("local_ratelimit", "LocalRateLimit", { stat_prefix: "pair" }),
  filter("header_mutation", "HeaderMutation", {
    mutations: { response_mutations: [{ append: { header: { key: "x-manager", value: mark } } }] },
  }),
  filter("stateful_session", "StatefulSession"),
  ...coders,
  filter("router", "Router"),
];

function fault(choices: Choices, draft: Draft): JsonObject {
  const percentage = { numerator: choices.pick([0, 100]) };
  const config: JsonObject = { "@type": `${TYPE}.fault.v3.HTTPFault` };
  if (choices.chance(0.6))
    config["abort"] = choices.pick<JsonObject>([
      { http_status: 418, percentage },
      { header_abort: {}, percentage },
      { grpc_status: 5, percentage },
    ]);
  if (choices.chance(0.4)) config["delay"] = { fixed_delay: "0.001s", percentage: { numerator: choices.pick([0, 100]) } };
  if (choices.chance(0.3)) config["headers"] = [{ name: "x-a", present_match: true }];
  if (choices.chance(0.2)) config["upstream_cluster"] = choices.pick(["a", "b"]);
  if (choices.chance(0.5)) draft.headers.set("x-envoy-fault-abort-request", choices.pick(["429", "99", "x"]));
  if (choices.chance(0.2)) draft.headers.set("x-envoy-fault-abort-grpc-request", choices.pick(["5", "x"]));
  return config;
}

function cors(choices: Choices, draft: Draft): JsonObject {
  const config: JsonObject = {
    "@type": `${TYPE}.cors.v3.CorsPolicy`,
    allow_origin_string_match: [choices.pick<JsonObject>([{ exact: "https://good.example" }, { suffix: ".example" }, { prefix: "*" }])],
  };
  for (const [name, value] of [
    ["allow_methods", choices.pick(["GET,PUT", "*"])],
    ["allow_headers", choices.pick(["x-one,x-two", "*"])],
    ["expose_headers", "x-upstream"],
    ["max_age", "60"],
  ] as const)
    if (choices.chance(0.4)) config[name] = value;
  if (choices.chance(0.4)) config["allow_credentials"] = choices.chance(0.7);
  if (choices.chance(0.2)) config["filter_enabled"] = choices.pick([NEVER, ALWAYS]);
  if (choices.chance(0.2)) config["shadow_enabled"] = ALWAYS;
  if (choices.chance(0.2)) config["forward_not_matching_preflights"] = choices.chance(0.5);
  if (choices.chance(0.2)) config["allow_private_network_access"] = choices.chance(0.7);
  draft.headers.set("origin", choices.pick(["https://good.example", "https://good.example", "https://bad.test", "null", ""]));
  if (draft.method === "GET" && choices.chance(0.5)) {
    draft.method = "OPTIONS";
    if (choices.chance(0.8)) draft.headers.set("access-control-request-method", "PUT");
    if (choices.chance(0.4)) draft.headers.set("access-control-request-headers", "x-three");
    if (choices.chance(0.3)) draft.headers.set("access-control-request-private-network", "true");
  }
  return config;
}

function csrf(choices: Choices, draft: Draft): JsonObject {
  const config: JsonObject = { "@type": `${TYPE}.csrf.v3.CsrfPolicy`, filter_enabled: choices.chance(0.8) ? ALWAYS : NEVER };
  if (choices.chance(0.2)) config["shadow_enabled"] = ALWAYS;
  if (choices.chance(0.5)) config["additional_origins"] = [choices.pick<JsonObject>([{ exact: "good.example" }, { suffix: ".example" }])];
  if (draft.method === "GET") draft.method = choices.pick(["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "GET"]);
  const origin = choices.pick(["https://good.example", "https://bad.test", "null", "", "http://OWN", "http://OWN:80", "OWN"]);
  draft.headers.set(choices.pick(["origin", "origin", "referer"]), origin);
  return config;
}

function buffer(choices: Choices, draft: Draft): JsonObject {
  if (draft.method === "GET" && choices.chance(0.7)) draft.method = "POST";
  if (draft.method === "POST" && draft.body === "") draft.body = "b".repeat(choices.pick([1, 10, 11, 100]));
  const config = choices.chance(0.9) ? { buffer: { max_request_bytes: choices.pick([1, 10, 100_000]) } } : { disabled: true };
  return { "@type": `${TYPE}.buffer.v3.BufferPerRoute`, ...config };
}

function headerMutation(choices: Choices): JsonObject {
  const list = (names: readonly string[], values: readonly string[]): JsonObject[] =>
    Array.from({ length: 1 + choices.integer(3) }, () =>
      choices.chance(0.3)
        ? { remove: choices.pick(names) }
        : {
            append: {
              header: { key: choices.pick(names), value: choices.pick(values) },
              append_action: choices.pick([
                "APPEND_IF_EXISTS_OR_ADD",
                "ADD_IF_ABSENT",
                "OVERWRITE_IF_EXISTS_OR_ADD",
                "OVERWRITE_IF_EXISTS",
              ]),
              ...(choices.chance(0.2) ? { keep_empty_value: true } : {}),
            },
          },
    );
  const mutations: JsonObject = {};
  if (choices.chance(0.7)) mutations["request_mutations"] = list(["x-a", "x-b", "x-key", "X-New"], formats(choices, "filter of requests"));
  if (choices.chance(0.7))
    mutations["response_mutations"] = list(["x-upstream", "x-twice", "X-New", "x-route"], formats(choices, "filter of responses"));
  return { "@type": `${TYPE}.header_mutation.v3.HeaderMutationPerRoute`, mutations };
}

function localRateLimit(choices: Choices, draft: Draft): JsonObject {
  draft.times = choices.pick([1, 2, 2, 3]);
  const config: JsonObject = {
    "@type": `${TYPE}.local_ratelimit.v3.LocalRateLimit`,
    stat_prefix: "route",
    token_bucket: { max_tokens: choices.pick([1, 2]), fill_interval: "3600s" },
    filter_enabled: choices.chance(0.9) ? ALWAYS : NEVER,
  };
  if (choices.chance(0.8)) config["filter_enforced"] = choices.chance(0.9) ? ALWAYS : NEVER;
  if (choices.chance(0.3)) config["enable_x_ratelimit_headers"] = "DRAFT_VERSION_03";
  if (choices.chance(0.3)) config["status"] = { code: choices.pick(["ServiceUnavailable", "OK", "Forbidden"]) };
  if (choices.chance(0.3)) config["rate_limited_as_resource_exhausted"] = true;
  if (choices.chance(0.4))
    config["response_headers_to_add"] = [{ header: { key: "x-limited", value: choices.pick(["yes", "%REQ(x-a)%"]) } }];
  if (choices.chance(0.3)) config["request_headers_to_add_when_not_enforced"] = [{ header: { key: "x-over", value: "yes" } }];
  return config;
}

function headerToMetadata(choices: Choices, draft: Draft): JsonObject {
  const present = { metadata_namespace: "pair", key: "word" };
  const rule = choices.pick<JsonObject>([
    { header: "x-meta", on_header_present: present, remove: choices.chance(0.5) },
    { header: "x-meta", on_header_present: { ...present, value: "fixed" }, on_header_missing: { ...present, value: "missing" } },
    { header: "x-meta", on_header_present: { ...present, type: "NUMBER" } },
    {
      header: "x-meta",
      on_header_present: { ...present, regex_value_rewrite: { pattern: { regex: "^([a-z0-9]+).*$" }, substitution: "<\\1>" } },
    },
    { cookie: "meta", on_header_present: present },
  ]);
  if (choices.chance(0.8)) draft.headers.set("x-meta", choices.pick(["7", "4.50", "text of it", ""]));
  if (choices.chance(0.5)) draft.headers.set("cookie", 'a=b; meta="of a cookie"');
  return { "@type": `${TYPE}.header_to_metadata.v3.Config`, request_rules: [rule] };
}

function basicAuth(choices: Choices, draft: Draft): JsonObject {
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;
  const text = choices.pick(["", basic("user1:test1"), basic("user2:test2"), basic("user2:wrong"), basic("user2"), "Bearer x", "Basic !"]);
  if (text !== "") draft.headers.set("authorization", text);
  return {
    "@type": `${TYPE}.basic_auth.v3.BasicAuthPerRoute`,
    users: { inline_string: "user2:{SHA}EJ9LPFDXsN9ynSmbxvjp75Bmlx8=" },
  };
}

function statefulSession(choices: Choices, draft: Draft): JsonObject {
  const [byCookie, byHeader] = ["envoy.http.stateful_session.cookie", "envoy.http.stateful_session.header"];
  const cookie = {
    "@type": `${STATE}.cookie.v3.CookieBasedSessionState`,
    cookie: { name: "session", path: choices.pick(["", "/", "/r0"]) },
  };
  const header = { "@type": `${STATE}.header.v3.HeaderBasedSessionState`, name: "x-session" };
  const address = choices.pick(["127.0.0.1:1", "nonsense", ""]);
  if (choices.chance(0.5)) draft.headers.set("x-session", Buffer.from(address).toString("base64"));
  if (choices.chance(0.5)) draft.headers.set("cookie", `session="${Buffer.from(address).toString("base64")}"`);
  if (choices.chance(0.1)) return { "@type": `${TYPE}.stateful_session.v3.StatefulSessionPerRoute`, disabled: true };
  return {
    "@type": `${TYPE}.stateful_session.v3.StatefulSessionPerRoute`,
    stateful_session: {
      session_state: choices.pick<JsonObject>([
        { name: byCookie, typed_config: cookie },
        { name: byHeader, typed_config: header },
      ]),
      ...(choices.chance(0.3) ? { strict: true } : {}),
    },
  };
}

const GENERATORS: Readonly<Record<string, (choices: Choices, draft: Draft) => JsonObject>> = {
  fault,
  cors,
  csrf,
  buffer,
  header_mutation: headerMutation,
  local_ratelimit: localRateLimit,
  header_to_metadata: headerToMetadata,
  basic_auth: basicAuth,
  stateful_session: statefulSession,
};

export const FILTERS_OF_ROUTES: readonly string[] = Object.keys(GENERATORS);

/** Each filter has its config with this chance. */
export function addFilterConfigs(target: JsonObject, choices: Choices, draft: Draft, share: number): void {
  const configs: JsonObject = {};
  for (const [name, generate] of Object.entries(GENERATORS)) {
    if (!choices.chance(share)) continue;
    const config = generate(choices, draft);
    const switched = choices.chance(0.1);
    configs[`envoy.filters.http.${name}`] = switched
      ? { "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", ...(choices.chance(0.5) ? { disabled: true } : { config }) }
      : config;
  }
  if (Object.keys(configs).length > 0) target["typed_per_filter_config"] = configs;
}
