// RouteActions, field by field, and what a request has to bring with it so that the field makes a difference.
import type { JsonObject } from "@bufbuild/protobuf";
import type { Choices } from "./choices.ts";
import { addHeaderEdits } from "./header-edits.ts";
import type { Draft } from "./pair.ts";

interface Building {
  readonly choices: Choices;
  readonly draft: Draft;
  readonly action: JsonObject;
  readonly match: JsonObject;
}

/** One of a group at most: they exclude each other. */
interface Field {
  readonly group?: "cluster" | "host" | "path" | "hang" | "script";
  /** Where it stands, beside where it must. */
  readonly share: number;
  add(building: Building): void;
}

const QUICK = "0.2s";
const UPSTREAMS = ["a", "b"] as const;

function isConnect({ match }: Building): boolean {
  return "connect_matcher" in match;
}

function weights({ choices, draft, action }: Building): void {
  const byHeader = choices.chance(0.5);
  const clusters: JsonObject[] = UPSTREAMS.map((name) => {
    const entry: JsonObject = { name, weight: 10 + choices.integer(90) };
    if (choices.chance(0.3)) addHeaderEdits(entry, choices);
    if (choices.chance(0.3)) entry["host_rewrite_literal"] = `${name}.weighted.example`;
    return entry;
  });
  if (choices.chance(0.2)) {
    delete clusters[1]!["name"];
    clusters[1]!["cluster_header"] = "x-to";
    draft.headers.set("x-to", choices.pick(["a", "b", "nowhere"]));
  }
  const config: JsonObject = { clusters };
  if (byHeader) {
    config["header_name"] = "x-weight";
    draft.headers.set("x-weight", choices.pick(["0", "5", "99", "123456789012345678"]));
  } else clusters[choices.integer(2)]!["weight"] = 0;
  if (choices.chance(0.2)) config["total_weight"] = clusters.reduce((sum, { weight }) => sum + Number(weight), 0);
  action["weighted_clusters"] = config;
}

function retries({ choices, draft, action }: Building): void {
  const word = choices.pick([
    "5xx",
    "gateway-error",
    "reset",
    "connect-failure",
    "retriable-4xx",
    "retriable-status-codes",
    "retriable-headers",
    "refused-stream",
    "5xx,reset",
    "envoy-ratelimited",
    "reset-before-request",
    "cancelled,unavailable",
    "nonsense",
  ]);
  const policy: JsonObject = { retry_on: word, retry_back_off: { base_interval: "0.001s", max_interval: "0.002s" } };
  if (choices.chance(0.7)) policy["num_retries"] = choices.integer(4);
  if (word === "retriable-status-codes") policy["retriable_status_codes"] = choices.some([404, 418, 503], 1, 2);
  if (word === "retriable-headers")
    policy["retriable_headers"] = [{ name: "x-upstream", string_match: { exact: choices.pick(["503", "418", "nobody"]) } }];
  if (choices.chance(0.15)) policy["retriable_request_headers"] = [{ name: "x-a", present_match: choices.chance(0.5) }];
  if (choices.chance(0.15)) {
    policy["retry_host_predicate"] = [
      {
        name: "envoy.retry_host_predicates.previous_hosts",
        typed_config: { "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate" },
      },
    ];
    policy["host_selection_retry_max_attempts"] = "3";
  }
  if (choices.chance(0.1)) policy["rate_limited_retry_back_off"] = { reset_headers: [{ name: "x-wait" }], max_interval: "1s" };
  if (choices.chance(0.15)) {
    policy["per_try_timeout"] = QUICK;
    draft.script = [choices.pick(["hang", "503"]), "200"];
  } else if (choices.chance(0.1)) {
    policy["per_try_idle_timeout"] = QUICK;
    draft.script = ["hang", "200"];
  } else {
    draft.script = Array.from({ length: 1 + choices.integer(4) }, () =>
      choices.pick(["503", "503", "500", "409", "418", "404", "429", "reset", "200", "grpc14", "204", "trailers"]),
    );
    if (choices.chance(0.6)) draft.script.push("200");
  }
  action["retry_policy"] = policy;
}

function hashes({ choices, draft, action }: Building): void {
  action["cluster"] = choices.pick(["ring", "maglev"]);
  const policies: JsonObject[] = choices.some(
    [
      { header: { header_name: "x-key" } },
      { header: { header_name: "x-key", regex_rewrite: { pattern: { regex: "^(.).*$" }, substitution: "\\1" } } },
      { cookie: { name: "key" } },
      { cookie: { name: "sticky", ttl: "60s", path: "/", attributes: [{ name: "SameSite", value: "Lax" }] } },
      { query_parameter: { name: "key" } },
      { header: { header_name: choices.pick([":path", ":authority", ":method"]) } },
      { filter_state: { key: "pair.state" } },
      { filter_state: { key: "pair.hashed" } },
      { filter_state: { key: "nobody" } },
    ],
    1,
    3,
  );
  if (choices.chance(0.3)) policies[choices.integer(policies.length)]!["terminal"] = true;
  if (choices.chance(0.7)) draft.headers.set("x-key", choices.pick(["one", "two", "three", ""]));
  if (choices.chance(0.5)) draft.headers.set("cookie", choices.pick(["key=a; other=b", 'key="q"', "sticky=s", "other=1"]));
  if (choices.chance(0.5)) draft.query.push(choices.pick(["key=1", "key", "key=a%20b", "keys=1&key=2"]));
  // Without any hash the host would be a matter of chance.
  action["hash_policy"] = [...policies, { connection_properties: { source_ip: true } }];
}

function internalRedirects({ choices, draft, action }: Building): void {
  const policy: JsonObject = {};
  if (choices.chance(0.6)) policy["max_internal_redirects"] = choices.integer(4);
  if (choices.chance(0.5)) policy["redirect_response_codes"] = choices.some([301, 302, 303, 307, 308], 1, 4);
  if (choices.chance(0.4)) policy["allow_cross_scheme_redirect"] = true;
  if (choices.chance(0.4)) policy["response_headers_to_copy"] = ["x-upstream", "x-b"];
  if (choices.chance(0.2))
    policy["predicates"] = [
      {
        name: "envoy.internal_redirect_predicates.previous_routes",
        typed_config: { "@type": "type.googleapis.com/envoy.extensions.internal_redirect.previous_routes.v3.PreviousRoutesConfig" },
      },
    ];
  const target = choices.pick([
    "http://HOST/landed?x=1",
    "http://HOST/landed",
    "http://other.example/landed",
    "https://HOST/landed",
    "/landed",
    "landed",
  ]);
  draft.script = [`${choices.pick([301, 302, 302, 303, 307, 308])}>${target}`, "200"];
  action["internal_redirect_policy"] = policy;
  if (draft.method !== "CONNECT" && choices.chance(0.3)) {
    draft.method = "POST";
    draft.body = "redirected";
  }
}

function hang(seconds: (action: JsonObject, quick: boolean) => void): Field["add"] {
  return ({ choices, draft, action }) => {
    const quick = choices.chance(0.4);
    seconds(action, quick);
    if (quick) draft.script = ["hang"];
  };
}

const FIELDS: Readonly<Record<string, Field>> = {
  cluster: {
    group: "cluster",
    share: 0,
    add: ({ choices, action }) => void (action["cluster"] = choices.pick(["a", "a", "b", "empty", "refusing"])),
  },
  cluster_header: {
    group: "cluster",
    share: 0.1,
    add({ choices, draft, action }) {
      action["cluster_header"] = "x-to";
      if (choices.chance(0.9)) draft.headers.set("x-to", choices.pick(["a", "b", "b", "nowhere"]));
    },
  },
  weighted_clusters: { group: "cluster", share: 0.12, add: weights },
  cluster_not_found_response_code: {
    group: "cluster",
    share: 0.05,
    add({ choices, action }) {
      action["cluster"] = choices.pick(["nowhere", "nowhere", "a"]);
      action["cluster_not_found_response_code"] = choices.pick(["NOT_FOUND", "INTERNAL_SERVER_ERROR"]);
    },
  },
  metadata_match: {
    group: "cluster",
    share: 0.05,
    add({ choices, action }) {
      action["cluster"] = "subsets";
      action["metadata_match"] = { filter_metadata: { "envoy.lb": { version: choices.pick(["v1", "v2", "v3"]) } } };
    },
  },
  hash_policy: { group: "cluster", share: 0.08, add: hashes },
  prefix_rewrite: {
    group: "path",
    share: 0.08,
    add: ({ choices, action }) => void (action["prefix_rewrite"] = choices.pick(["/new", "/", "/new/", "/a%20b"])),
  },
  regex_rewrite: {
    group: "path",
    share: 0.08,
    add: ({ choices, action }) =>
      void (action["regex_rewrite"] = choices.pick([
        { pattern: { regex: "^/(r[0-9]+)/([^/]*)" }, substitution: "/\\2/\\1" },
        { pattern: { regex: "[aeiou]" }, substitution: "" },
        { pattern: { regex: "/+" }, substitution: "/\\0" },
        { pattern: { regex: ".*" }, substitution: "/all" },
      ])),
  },
  path_rewrite_policy: {
    group: "path",
    share: 0,
    add({ choices, action, match }) {
      const policy = match["path_match_policy"] as { typed_config: { path_template: string } };
      const named = policy.typed_config.path_template.includes("{one");
      action["path_rewrite_policy"] = {
        name: "envoy.path.rewrite.uri_template.uri_template_rewriter",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig",
          path_template_rewrite: named ? choices.pick(["/{two}/{one}", "/new/{one}", "/{two}"]) : "/fixed",
        },
      };
    },
  },
  host_rewrite_literal: {
    group: "host",
    share: 0.06,
    add: ({ choices, action }) => void (action["host_rewrite_literal"] = choices.pick(["literal.example", "literal.example:8080"])),
  },
  auto_host_rewrite: { group: "host", share: 0.05, add: ({ choices, action }) => void (action["auto_host_rewrite"] = choices.chance(0.8)) },
  host_rewrite_header: {
    group: "host",
    share: 0.08,
    add({ choices, draft, action }) {
      action["host_rewrite_header"] = "x-host";
      if (choices.chance(0.8)) draft.headers.set("x-host", choices.pick(["header.example", ""]));
    },
  },
  host_rewrite_path_regex: {
    group: "host",
    share: 0.08,
    add: ({ action }) =>
      void (action["host_rewrite_path_regex"] = { pattern: { regex: "^/([a-z0-9]+)/.*$" }, substitution: "\\1.path.example" }),
  },
  append_x_forwarded_host: {
    share: 0.06,
    add({ choices, draft, action }) {
      action["append_x_forwarded_host"] = true;
      if (choices.chance(0.4)) draft.headers.set("x-forwarded-host", "before.example");
    },
  },
  timeout: { group: "hang", share: 0.1, add: hang((action, quick) => void (action["timeout"] = quick ? QUICK : "8s")) },
  idle_timeout: { group: "hang", share: 0.04, add: hang((action, quick) => void (action["idle_timeout"] = quick ? QUICK : "8s")) },
  max_stream_duration: {
    group: "hang",
    share: 0.04,
    add: hang((action, quick) => void (action["max_stream_duration"] = { max_stream_duration: quick ? QUICK : "8s" })),
  },
  max_grpc_timeout: {
    group: "hang",
    share: 0.1,
    add({ choices, draft, action, match }) {
      action["max_grpc_timeout"] = choices.pick(["0s", QUICK, "8s"]);
      action["timeout"] = "8s";
      if ("connect_matcher" in match) return;
      draft.method = "POST";
      draft.headers.set("content-type", "application/grpc");
      draft.headers.set("grpc-timeout", choices.pick(["200m", "5S", "1H"]));
      const short = draft.headers.get("grpc-timeout") === "200m" || action["max_grpc_timeout"] === QUICK;
      draft.script = short ? ["hang"] : ["200"];
    },
  },
  retry_policy: { group: "script", share: 0.12, add: retries },
  internal_redirect_policy: { group: "script", share: 0.06, add: internalRedirects },
  hedge_policy: {
    group: "script",
    share: 0.08,
    add({ choices, draft, action }) {
      action["hedge_policy"] = { hedge_on_per_try_timeout: choices.chance(0.8) };
      action["retry_policy"] = { retry_on: "5xx", num_retries: 1, per_try_timeout: QUICK, retry_back_off: { base_interval: "0.001s" } };
      draft.script = [choices.pick(["hang", "503", "200"]), choices.pick(["200", "200", "503"])];
    },
  },
  upgrade_configs: {
    share: 0.05,
    add({ choices, draft, action, match }) {
      const type = "connect_matcher" in match ? "CONNECT" : "websocket";
      action["upgrade_configs"] = [{ upgrade_type: type, enabled: choices.chance(0.7) }];
      if (type === "CONNECT" || draft.method !== "GET") return;
      draft.headers.set("connection", "upgrade");
      draft.headers.set("upgrade", choices.pick(["websocket", "websocket", "WebSocket", "other"]));
    },
  },
  request_mirror_policies: {
    share: 0.08,
    add({ choices, draft, action }) {
      const policies = Array.from({ length: 1 + choices.integer(2) }, () => {
        const policy: JsonObject = choices.chance(0.8) ? { cluster: "mirror" } : { cluster_header: "x-mirror" };
        if (choices.chance(0.5)) policy["runtime_fraction"] = { default_value: { numerator: choices.pick([0, 100]) } };
        if (choices.chance(0.3)) policy["disable_shadow_host_suffix_append"] = true;
        return policy;
      });
      action["request_mirror_policies"] = policies;
      if (choices.chance(0.8)) draft.headers.set("x-mirror", choices.pick(["mirror", "nowhere"]));
    },
  },
  rate_limits: {
    share: 0.03,
    add: ({ action }) => void (action["rate_limits"] = [{ actions: [{ generic_key: { descriptor_value: "x" } }, { remote_address: {} }] }]),
  },
  include_vh_rate_limits: { share: 0.08, add: ({ choices, action }) => void (action["include_vh_rate_limits"] = choices.chance(0.5)) },
  priority: { share: 0.05, add: ({ action }) => void (action["priority"] = "HIGH") },
};

export const ACTION_FIELDS: readonly string[] = Object.keys(FIELDS);

/** Whether fields can stand in one action: `cluster` beside `hash_policy` would not stay. */
export function needsTemplate(must: readonly string[]): boolean {
  return must.includes("path_rewrite_policy");
}

export function generateAction(choices: Choices, draft: Draft, match: JsonObject, must: readonly string[]): JsonObject {
  const building: Building = { choices, draft, action: {}, match };
  const taken = new Set<string>();
  const wanted = [
    ...ACTION_FIELDS.filter((name) => must.includes(name)),
    ...ACTION_FIELDS.filter((name) => !must.includes(name) && choices.chance(FIELDS[name]!.share)),
  ];
  // A rewrite of the path of a CONNECT, which has none, is refused by neither and done by neither.
  if (isConnect(building)) taken.add("path");
  // Envoy lets templates be rewritten by templates alone.
  if ("path_match_policy" in match) {
    if (!must.includes("path_rewrite_policy") && choices.chance(0.3)) wanted.unshift("path_rewrite_policy");
    if (!wanted.includes("path_rewrite_policy")) taken.add("path");
  }
  for (const name of wanted) {
    const field = FIELDS[name]!;
    if (field.group !== undefined) {
      if (taken.has(field.group)) continue;
      // Both say what the upstream does.
      if (field.group === "hang" && taken.has("script")) continue;
      if (field.group === "script" && taken.has("hang")) continue;
      taken.add(field.group);
    }
    field.add(building);
  }
  if (!taken.has("cluster")) building.action["cluster"] = choices.pick(UPSTREAMS);
  return building.action;
}
