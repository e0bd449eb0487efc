// Pairs from a seed: a virtual host with some routes, of which one is aimed at, and a request to it. Aims go round all fields, so that
// each has its share whatever the seed.
import type { JsonObject } from "@bufbuild/protobuf";
import { ACTION_FIELDS, generateAction, needsTemplate } from "./action-generator.ts";
import { choices as choicesOf } from "./choices.ts";
import type { Choices } from "./choices.ts";
import { addCodings, compressorOfRoute, generateCoders, variedText } from "./coding-generator.ts";
import { addFilterConfigs } from "./filter-configs.ts";
import { addHeaderEdits } from "./header-edits.ts";
import { generateMatch, MATCH_FIELDS } from "./match-generator.ts";
import type { GeneratedMatch } from "./match-generator.ts";
import { domainOf, newDraft, requestOf } from "./pair.ts";
import type { Draft, Pair } from "./pair.ts";
import { generateManager } from "./manager-generator.ts";
import type { Around } from "./two-proxies.ts";
import { addRateLimits } from "./rate-limit-generator.ts";
import { varyRequest } from "./request-variations.ts";

const ANSWERS = ["route", "route", "route", "route", "route", "route", "redirect", "direct_response"] as const;

function redirect(choices: Choices, match: JsonObject): JsonObject {
  const action: JsonObject = {};
  if (choices.chance(0.4)) action["host_redirect"] = choices.pick(["new.example", "new.example:8080"]);
  if (choices.chance(0.3)) action["port_redirect"] = choices.pick([80, 443, 8080]);
  if (choices.chance(0.3)) action["https_redirect"] = true;
  else if (choices.chance(0.2)) action["scheme_redirect"] = choices.pick(["https", "http", "ftp"]);
  if (choices.chance(0.3)) action["path_redirect"] = choices.pick(["/new", "/new?own=1"]);
  else if (choices.chance(0.35) && !("connect_matcher" in match) && !("path_match_policy" in match))
    action["prefix_rewrite"] = choices.pick(["/new", "/"]);
  else if (choices.chance(0.25)) action["regex_rewrite"] = { pattern: { regex: "^/r[0-9]+" }, substitution: "/n" };
  if (choices.chance(0.5)) action["response_code"] = choices.pick(["FOUND", "SEE_OTHER", "TEMPORARY_REDIRECT", "PERMANENT_REDIRECT"]);
  if (choices.chance(0.3)) action["strip_query"] = true;
  return action;
}

function directResponse(choices: Choices): JsonObject {
  const action: JsonObject = { status: choices.pick([200, 204, 304, 404, 418, 503, 599]) };
  if (choices.chance(0.7))
    action["body"] = choices.pick<JsonObject>([{ inline_string: "direct" }, { inline_bytes: "AAH/" }, { inline_string: "" }]);
  return action;
}

interface GeneratedRoute {
  readonly route: JsonObject;
  readonly draft: Draft;
  readonly generated: GeneratedMatch;
}

function generateRoute(choices: Choices, name: string, must: readonly string[]): GeneratedRoute {
  const draft = newDraft();
  if (choices.chance(0.2)) {
    draft.method = choices.pick(["POST", "PUT", "HEAD", "DELETE"]);
    if (draft.method === "POST" || draft.method === "PUT") draft.body = choices.pick(["body", "", variedText("x", 70_000)]);
  }
  for (const header of ["x-a", "x-b"]) if (choices.chance(0.4)) draft.headers.set(header, choices.pick(["alpha", "beta gamma", "d"]));
  const asked = needsTemplate(must)
    ? [...must.filter((field) => !/path|prefix|regex|connect/.test(field) || field === "path_rewrite_policy"), "path_match_policy"]
    : must;
  const generated = generateMatch(choices, draft, name, asked);
  const { match } = generated;
  const route: JsonObject = { name, match };
  const kind = must.some((field) => ACTION_FIELDS.includes(field)) ? "route" : choices.pick(ANSWERS);
  if (kind === "route") route["route"] = generateAction(choices, draft, match, asked);
  else if (kind === "redirect") route["redirect"] = redirect(choices, match);
  else route["direct_response"] = directResponse(choices);
  if (choices.chance(0.25)) addHeaderEdits(route, choices);
  if (choices.chance(0.1)) route["decorator"] = { operation: "of-route", ...(choices.chance(0.3) ? { propagate: false } : {}) };
  if (choices.chance(0.2)) route["metadata"] = { filter_metadata: { pair: { word: "of-route" } } };
  addFilterConfigs(route, choices, draft, 0.06);
  return { route, draft, generated };
}

function addVirtualHostFields(virtualHost: JsonObject, choices: Choices, draft: Draft): void {
  const domains = virtualHost["domains"] as string[];
  // Without `:*` a port in the host misses, unless the table ignores it.
  if (choices.chance(0.8)) domains.push(`${domains[0]!}:*`);
  if (choices.chance(0.2)) virtualHost["metadata"] = { filter_metadata: { pair: { word: "of-virtual-host" } } };
  addFilterConfigs(virtualHost, choices, draft, 0.02);
  if (choices.chance(0.2)) addHeaderEdits(virtualHost, choices);
  // Says which route took a request, to both proxies' witness.
  const additions = (virtualHost["response_headers_to_add"] ?? []) as JsonObject[];
  virtualHost["response_headers_to_add"] = [...additions, { header: { key: "x-route", value: "%ROUTE_NAME%" } }];
  if (choices.chance(0.15)) virtualHost["include_request_attempt_count"] = true;
  if (choices.chance(0.15)) virtualHost["include_attempt_count_in_response"] = true;
  if (choices.chance(0.1)) virtualHost["include_is_timeout_retry_header"] = true;
  if (choices.chance(0.1)) virtualHost["retry_policy"] = { retry_on: "5xx", num_retries: 2, retry_back_off: { base_interval: "0.001s" } };
  if (choices.chance(0.03)) virtualHost["require_tls"] = choices.pick(["ALL", "EXTERNAL_ONLY"]);
  if (choices.chance(0.1))
    virtualHost["virtual_clusters"] = [{ name: "posts", headers: [{ name: ":method", string_match: { exact: "POST" } }] }];
}

/** The pair with this number of this seed. */
export function generatePair(seed: number, number: number): Pair {
  const choices = choicesOf(Math.imul(seed, 0x9e3779b1) + number);
  const must = [MATCH_FIELDS[number % MATCH_FIELDS.length]!, ACTION_FIELDS[number % ACTION_FIELDS.length]!];
  const names = Array.from({ length: 1 + choices.integer(4) }, (_, index) => `r${index}`);
  const aimed = choices.integer(names.length);
  const routes = names.map((name, index) => generateRoute(choices, name, index === aimed ? must : []));
  const { draft, generated } = routes[aimed]!;
  const misses = generated.spoil.length > 0 && choices.chance(0.2);
  if (misses) choices.pick(generated.spoil)(draft);
  const domain = domainOf(number);
  const virtualHost: JsonObject = {
    name: domain,
    domains: [domain, `*.${domain}`],
    routes: [...routes.map(({ route }) => route), { name: "default", match: { prefix: "/" }, route: { cluster: "a" } }],
  };
  addVirtualHostFields(virtualHost, choices, draft);
  // Upgrades of requests with a body are for the corpus of hostile requests.
  if (draft.method !== "GET") for (const name of ["connection", "upgrade"]) draft.headers.delete(name);
  const { route: aimedRoute } = routes[aimed]!;
  if ("route" in aimedRoute && draft.method !== "CONNECT" && choices.chance(0.08)) addRateLimits(aimedRoute, choices, draft);
  // Hosts of cookies that the hash policy makes are a matter of chance, and only a first answer tells of them.
  if (JSON.stringify(routes[aimed]).includes("sticky")) draft.times = 1;
  if (draft.method !== "CONNECT" && !draft.headers.has("upgrade") && choices.chance(0.4)) {
    addCodings(draft, choices);
    const route = routes[aimed]!.route;
    if (choices.chance(0.3)) {
      const configs = (route["typed_per_filter_config"] ??= {}) as JsonObject;
      for (const name of choices.some(["gzip", "brotli", "zstd"], 1, 2)) configs[name] = compressorOfRoute(choices);
    }
  }
  if (number % BATCH === BATCH - 1) draft.http10 = choices.chance(0.7) && draft.method !== "CONNECT" && !draft.headers.has("upgrade");
  varyRequest(draft, choices, draft.method === "CONNECT");
  if (draft.http10 && number % BATCH === BATCH - 1) draft.hostless = choices.chance(0.7);
  return {
    number,
    virtualHost,
    request: requestOf(draft, domain),
    aim: { route: names[aimed]!, hits: !misses && !generated.never },
  };
}

/** Pairs in one batch; the last of each may come without a Host. */
export const BATCH = 25;

/** What stands around the virtual hosts of one batch. */
export function generateAround(seed: number, batch: number): Around {
  const choices = choicesOf(Math.imul(seed, 0x85ebca6b) + batch);
  const table: JsonObject = {};
  if (choices.chance(0.5)) addHeaderEdits(table, choices);
  if (choices.chance(0.5)) table["most_specific_header_mutations_wins"] = true;
  if (choices.chance(0.3)) table["ignore_port_in_host_matching"] = true;
  return {
    table,
    manager: generateManager(choices, domainOf((batch + 1) * BATCH - 1)),
    coders: generateCoders(choicesOf(Math.imul(seed, 0xc2b2ae35) + batch)),
  };
}
