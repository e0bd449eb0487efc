// RouteMatches, each with a request that it takes. `spoil` changes the request so that one of its conditions fails.
import type { JsonObject } from "@bufbuild/protobuf";
import type { Choices } from "./choices.ts";
import type { Draft } from "./pair.ts";

export interface GeneratedMatch {
  readonly match: JsonObject;
  /** Ways to miss it. */
  readonly spoil: readonly ((draft: Draft) => void)[];
  /** It never takes a request at all (0 %, an inverted matcher). */
  readonly never: boolean;
}

export const PATH_FIELDS = ["prefix", "path", "safe_regex", "connect_matcher", "path_separated_prefix", "path_match_policy"] as const;
export type PathField = (typeof PATH_FIELDS)[number];
const CONDITIONS = [
  "case_sensitive",
  "runtime_fraction",
  "headers",
  "query_parameters",
  "grpc",
  "tls_context",
  "dynamic_metadata",
] as const;
export type Condition = (typeof CONDITIONS)[number];
export const MATCH_FIELDS = [...PATH_FIELDS, ...CONDITIONS] as const;

interface Building {
  readonly choices: Choices;
  readonly draft: Draft;
  readonly match: JsonObject;
  readonly spoil: ((draft: Draft) => void)[];
  never: boolean;
}

/** A path of the route's own: `/r3/...`. */
function addPath(building: Building, field: PathField, route: string): void {
  const { choices, draft, match, spoil } = building;
  const root = `/${route}`;
  const elsewhere = (draft: Draft): void => void (draft.path = `/elsewhere${draft.path}`);
  spoil.push(elsewhere);
  switch (field) {
    case "prefix": {
      const prefix = choices.pick([`${root}/`, `${root}/pre`, root]);
      match["prefix"] = prefix;
      draft.path = `${prefix}${choices.pick(["", "x", "/x/y", "%20z"])}`;
      return;
    }
    case "path":
      match["path"] = `${root}/exact`;
      draft.path = `${root}/exact`;
      spoil.push((draft) => void (draft.path += "/"));
      return;
    case "safe_regex":
      match["safe_regex"] = { regex: `${root}/(a|b)[0-9]{1,3}(/.*)?` };
      draft.path = `${root}/${choices.pick(["a1", "b22", "a333/x", "b1/"])}`;
      spoil.push((draft) => void (draft.path = `${root}/a4444`));
      return;
    case "connect_matcher":
      match["connect_matcher"] = {};
      draft.method = "CONNECT";
      draft.path = "";
      spoil.length = 0;
      return;
    case "path_separated_prefix":
      match["path_separated_prefix"] = `${root}/sep`;
      draft.path = `${root}/sep${choices.pick(["", "/", "/x"])}`;
      spoil.push((draft) => void (draft.path = `${root}/separate`));
      return;
    case "path_match_policy": {
      const template = choices.pick([`${root}/{one}/t/{two=**}`, `${root}/{one}/t/{two}`, `${root}/*/{one=t}/{two=*}`, `${root}/**`]);
      match["path_match_policy"] = {
        name: "envoy.path.match.uri_template.uri_template_matcher",
        typed_config: {
          "@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
          path_template: template,
        },
      };
      draft.path = `${root}/v1/t/xyz`;
      spoil.push((draft) => void (draft.path = root));
      return;
    }
    default:
      field satisfies never;
  }
}

type ValueCase = readonly [matcher: JsonObject, hit: string | undefined, miss: string | undefined];

const TEXT_CASES: readonly ValueCase[] = [
  [{ string_match: { exact: "red" } }, "red", "Red"],
  [{ string_match: { exact: "red", ignore_case: true } }, "rED", "re"],
  [{ string_match: { prefix: "re" } }, "redder", "r"],
  [{ string_match: { suffix: "er" } }, "redder", "erx"],
  [{ string_match: { contains: "dd" } }, "redder", "d-d"],
  [{ string_match: { safe_regex: { regex: "r[a-z]+[0-9]?" } } }, "red5", "red55"],
  [{ present_match: true }, "", undefined],
];
const HEADER_CASES: readonly ValueCase[] = [
  ...TEXT_CASES,
  [{ present_match: false }, undefined, "x"],
  [{ range_match: { start: "-5", end: "10" } }, "-5", "10"],
  [{ range_match: { start: "1", end: "10" } }, "7", "7.0"],
  [{ exact_match: "old" }, "old", "older"],
  [{ prefix_match: "old" }, "older", "ol"],
  [{ string_match: { exact: "red" }, invert_match: true }, "blue", "red"],
  [{ string_match: { exact: "red" }, invert_match: true }, undefined, "red"],
  [{ string_match: { exact: "red" }, invert_match: true, treat_missing_header_as_empty: true }, undefined, "red"],
  [{ string_match: { safe_regex: { regex: "r?" } }, treat_missing_header_as_empty: true }, undefined, "x"],
  [{ present_match: true, invert_match: true }, undefined, "x"],
];

function setHeader(draft: Draft, name: string, value: string | undefined): void {
  if (value === undefined) draft.headers.delete(name);
  else draft.headers.set(name, value);
}

function addCondition(building: Building, condition: Condition): void {
  const { choices, draft, match, spoil } = building;
  switch (condition) {
    case "case_sensitive": {
      const sensitive = choices.chance(0.3);
      match["case_sensitive"] = sensitive;
      if (!sensitive && ("prefix" in match || "path" in match || "path_separated_prefix" in match)) draft.path = draft.path.toUpperCase();
      return;
    }
    case "runtime_fraction": {
      const numerator = choices.chance(0.85) ? 100 : 0;
      match["runtime_fraction"] = { default_value: { numerator }, runtime_key: "pair.share" };
      building.never ||= numerator === 0;
      return;
    }
    case "headers": {
      const names = choices.some(["x-color", "x-size", "x-word"], 1, 2);
      match["headers"] = names.map((name) => {
        const [matcher, hit, miss] = choices.pick(HEADER_CASES);
        setHeader(draft, name, hit);
        spoil.push((draft) => setHeader(draft, name, miss));
        return { ...matcher, name };
      });
      return;
    }
    case "query_parameters": {
      const [matcher, hit, miss] = choices.pick(TEXT_CASES);
      draft.query.push(`color=${hit ?? ""}`);
      if (choices.chance(0.3)) draft.query.push("color=second");
      spoil.push((draft) => void (draft.query = miss === undefined ? [] : [`color=${miss}`]));
      match["query_parameters"] = [{ ...matcher, name: "color" }];
      return;
    }
    case "grpc":
      match["grpc"] = {};
      draft.method = "POST";
      draft.headers.set("content-type", choices.pick(["application/grpc", "application/grpc+proto"]));
      draft.headers.set("te", "trailers");
      spoil.push((draft) => void draft.headers.set("content-type", choices.pick(["application/grpc-web", "text/plain"])));
      return;
    case "tls_context":
      match["tls_context"] = choices.pick<JsonObject>([{}, { presented: false }, { validated: false }, { presented: true }]);
      building.never ||= "presented" in match["tls_context"] && match["tls_context"]["presented"] === true;
      return;
    case "dynamic_metadata": {
      const invert = choices.chance(0.85);
      match["dynamic_metadata"] = [{ filter: "pair", path: [{ key: "word" }], value: { string_match: { exact: "x" } }, invert }];
      building.never ||= !invert;
      return;
    }
    default:
      condition satisfies never;
  }
}

/** `must`: fields that have to be there. */
export function generateMatch(choices: Choices, draft: Draft, route: string, must: readonly string[]): GeneratedMatch {
  const building: Building = { choices, draft, match: {}, spoil: [], never: false };
  const asked = PATH_FIELDS.find((field) => must.includes(field));
  const field = asked ?? choices.pick(PATH_FIELDS.filter((one) => one !== "connect_matcher"));
  addPath(building, field, route);
  for (const condition of CONDITIONS) {
    if (field === "connect_matcher" && (condition === "grpc" || condition === "query_parameters")) continue;
    if (must.includes(condition) || choices.chance(condition === "grpc" ? 0.05 : 0.12)) addCondition(building, condition);
  }
  return building;
}
