// envoy.filters.http.header_to_metadata: what stands in headers and cookies becomes dynamic metadata.
import { toJson } from "@bufbuild/protobuf";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import type { Any } from "@bufbuild/protobuf/wkt";
import {
  Config_ValueEncode as Encode,
  Config_ValueType as Type,
  ConfigSchema,
} from "#envoy/gen/envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata_pb";
import type {
  Config_KeyValuePair as KeyValuePair,
  Config_Rule as Rule,
} from "#envoy/gen/envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata_pb";
import { decodeMessage } from "#envoy/decode";
import { asciiLower, unicodeText, wireText } from "#matcher/wire-text";
import { cookieValue } from "#proxy/http/cookie";
import { setDynamicMetadata } from "#proxy/http/dynamic-metadata";
import type { FilterStream, HttpFilterCompiler, HttpFilterFactory } from "#proxy/http/filter";
import type { HeaderMap } from "#proxy/http/header-map";
import { compileSubstitution } from "#proxy/route/path-rewrite";
import { unpackConfig } from "#proxy/unpack-config";

/** Values of this length and longer are left out, as in Envoy. */
const MAX_VALUE = 8 * 1024;
const DEFAULT_NAMESPACE = "envoy.filters.http.header_to_metadata";

type Refuse = (field: string, message: string) => void;

/** What is to be written; undefined: nothing. */
type ToMetadata = (value: string) => JsonValue | undefined;

interface Target {
  readonly namespace: string;
  readonly key: string;
  readonly valueOf: ToMetadata;
}

interface CompiledRule {
  readonly read: (headers: HeaderMap) => string | undefined;
  readonly remove: string | undefined;
  readonly present: Target | undefined;
  readonly missing: Target | undefined;
}

interface Rules {
  readonly request: readonly CompiledRule[];
  readonly response: readonly CompiledRule[];
}

function compileRules(any: Any, path: string, perRoute: boolean): Rules {
  let rules: Rules = { request: [], response: [] };
  unpackConfig(any, ConfigSchema, path, ({ requestRules, responseRules }, refuse) => {
    if (perRoute && requestRules.length === 0 && responseRules.length === 0) refuse("", "needs request_rules or response_rules");
    rules = {
      request: requestRules.map((rule, at) => compileRule(rule, `request_rules[${at}]`, refuse)),
      response: responseRules.map((rule, at) => compileRule(rule, `response_rules[${at}]`, refuse)),
    };
  });
  return rules;
}

function compileRule(rule: Rule, at: string, refuse: Refuse): CompiledRule {
  const { header, cookie, onHeaderPresent, onHeaderMissing, remove } = rule;
  if ((header === "") === (cookie === "")) refuse(at, "needs either header or cookie");
  if (cookie !== "" && remove) refuse(`${at}.remove`, "cannot be had of a cookie");
  if (onHeaderPresent === undefined && onHeaderMissing === undefined) refuse(at, "needs on_header_present or on_header_missing");
  if (onHeaderPresent?.value !== "" && onHeaderPresent?.regexValueRewrite !== undefined)
    refuse(`${at}.on_header_present`, "may not have both value and regex_value_rewrite");
  if (onHeaderMissing?.value === "") refuse(`${at}.on_header_missing.value`, "must not be empty");
  const name = asciiLower(header);
  return {
    read: cookie === "" ? (headers) => headers.getJoined(name) : (headers) => cookieValue(headers, cookie) || undefined,
    remove: remove && header !== "" ? name : undefined,
    present: compileTarget(onHeaderPresent, `${at}.on_header_present`, refuse),
    missing: compileTarget(onHeaderMissing, `${at}.on_header_missing`, refuse),
  };
}

function compileTarget(pair: KeyValuePair | undefined, at: string, refuse: Refuse): Target | undefined {
  if (pair === undefined) return undefined;
  const { key, value: fixed, regexValueRewrite, type, encode } = pair;
  if (key === "") refuse(`${at}.key`, "must not be empty");
  if (Type[type] === undefined) refuse(`${at}.type`, `${type} is not known`);
  const rewrite = regexValueRewrite === undefined ? undefined : compileSubstitution(regexValueRewrite, `${at}.regex_value_rewrite`, refuse);
  const wire = wireText(fixed);
  return {
    namespace: pair.metadataNamespace === "" ? DEFAULT_NAMESPACE : pair.metadataNamespace,
    key,
    valueOf(found) {
      const text = wire === "" ? (rewrite?.(found) ?? found) : wire;
      if (text === "" || text.length >= MAX_VALUE) return undefined;
      const decoded = encode === Encode.BASE64 ? Buffer.from(text, "base64").toString("latin1") : text;
      return decoded === "" ? undefined : convert(decoded, type);
    },
  };
}

function convert(text: string, type: Type): JsonValue | undefined {
  switch (type) {
    case Type.STRING:
      return unicodeText(text);
    case Type.NUMBER: {
      const trimmed = text.trim();
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : undefined;
    }
    case Type.PROTOBUF_VALUE:
      try {
        return toJson(ValueSchema, decodeMessage(ValueSchema, Buffer.from(text, "latin1")));
      } catch {
        return undefined;
      }
    default:
      return type satisfies never;
  }
}

export const headerToMetadataFilterCompiler: HttpFilterCompiler = {
  configTypes: [ConfigSchema.typeName],
  compile(name, any, path): HttpFilterFactory {
    const own = compileRules(any, path, false);
    return {
      name,
      create(stream) {
        const { request, response } = (stream.filterConfigs()?.get(name) as Rules | undefined) ?? own;
        return {
          onRequestHeaders(headers) {
            if (request.length > 0) apply(stream, headers, request);
            return undefined;
          },
          onResponseHeaders(headers) {
            if (response.length > 0) apply(stream, headers, response);
            return undefined;
          },
        };
      },
    };
  },
  compileRouteConfig: (any, path) => compileRules(any, path, true),
};

function apply(stream: FilterStream, headers: HeaderMap, rules: readonly CompiledRule[]): void {
  const found = new Map<string, JsonObject>();
  for (const { read, remove, present, missing } of rules) {
    const value = read(headers);
    if (remove !== undefined) headers.remove(remove);
    const target = value === undefined ? missing : present;
    const written = target?.valueOf(value ?? "");
    if (target === undefined || written === undefined) continue;
    found.set(target.namespace, { ...found.get(target.namespace), [target.key]: written });
  }
  for (const [namespace, values] of found) setDynamicMetadata(stream.info, namespace, values);
}
