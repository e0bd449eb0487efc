// What one access log writes per stream: text or JSON, compiled from any of the ways in which Envoy's configs say it.
import { nameOf } from "#envoy/any";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { SubstitutionFormatString } from "#envoy/gen/envoy/config/core/v3/substitution_format_string_pb";
import { unicodeText } from "#matcher/wire-text";
import type { Violations } from "#proxy/field-check";
import { compileFormat, LOG_FORMAT } from "#proxy/format/format";
import type { FormatOptions } from "#proxy/format/format";
import type { StreamInfo } from "#proxy/http/stream-info";

/** The whole line with its end, as Unicode. */
export type LineFormat = (info: StreamInfo) => string;

/** Envoy's, when a config says nothing. */
export const DEFAULT_TEXT_FORMAT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% ' +
  '%BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" ' +
  '"%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n';

/** Extensions of Envoy whose operators the format knows without them. */
const BUILT_IN_FORMATTERS: ReadonlySet<string> = new Set(["envoy.extensions.formatter.req_without_query.v3.ReqWithoutQuery"]);

const OMITTING: FormatOptions = { ...LOG_FORMAT, missing: "" };

export function textFormat(text: string, omitEmpty: boolean, path: string, violations: Violations): LineFormat {
  try {
    const format = compileFormat(text, omitEmpty ? OMITTING : LOG_FORMAT);
    return (info) => unicodeText(format.format(info));
  } catch (error) {
    violations.add(path, error instanceof Error ? error.message : String(error));
    return () => "";
  }
}

export interface JsonOptions {
  readonly omitEmpty: boolean;
  readonly sort: boolean;
}

/** A value that is one operator keeps its type (numbers, null for what is unknown); mixed text is a string. */
export function jsonFormat(template: JsonObject, options: JsonOptions, path: string, violations: Violations): LineFormat {
  const node = compileNode(template, options, path, violations);
  return (info) => `${node(info) ?? "{}"}\n`;
}

/** JSON text; undefined: leave the key out. */
type JsonNode = (info: StreamInfo) => string | undefined;

function compileNode(value: JsonValue, options: JsonOptions, path: string, violations: Violations): JsonNode {
  if (typeof value === "string") return compileString(value, options, path, violations);
  if (Array.isArray(value)) {
    const items = value.map((item, index) => compileNode(item, options, `${path}[${index}]`, violations));
    return (info) => `[${items.map((item) => item(info) ?? "null").join(",")}]`;
  }
  if (typeof value !== "object" || value === null) {
    const text = JSON.stringify(value);
    return () => text;
  }
  const entries = Object.entries(value).map(
    ([key, item]) => [JSON.stringify(key), compileNode(item, options, `${path}.${key}`, violations)] as const,
  );
  if (options.sort) entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return (info) => {
    let out = "";
    for (const [key, item] of entries) {
      const text = item(info);
      if (text !== undefined) out += `${out === "" ? "" : ","}${key}:${text}`;
    }
    return `{${out}}`;
  };
}

function compileString(text: string, { omitEmpty }: JsonOptions, path: string, violations: Violations): JsonNode {
  try {
    const format = compileFormat(text, omitEmpty ? OMITTING : LOG_FORMAT);
    const { single } = format;
    if (single === undefined) return (info) => JSON.stringify(unicodeText(format.format(info)));
    return (info) => {
      const value = single(info);
      if (value === undefined) return omitEmpty ? undefined : "null";
      return typeof value === "number" ? String(value) : JSON.stringify(unicodeText(value));
    };
  } catch (error) {
    violations.add(path, error instanceof Error ? error.message : String(error));
    return () => undefined;
  }
}

export function compileFormatString(config: SubstitutionFormatString, path: string, violations: Violations): LineFormat {
  const { format, omitEmptyValues: omitEmpty } = config;
  for (const [index, formatter] of config.formatters.entries()) {
    const type = nameOf(formatter.typedConfig?.typeUrl ?? "");
    if (!BUILT_IN_FORMATTERS.has(type))
      violations.add(`${path}.formatters[${index}]`, `formatter "${formatter.name}" (${type}) is not served`);
  }
  switch (format.case) {
    case "textFormat":
      return textFormat(format.value, omitEmpty, `${path}.text_format`, violations);
    case "textFormatSource": {
      const { specifier } = format.value;
      if (specifier.case === "inlineString") return textFormat(specifier.value, omitEmpty, `${path}.text_format_source`, violations);
      if (specifier.case === "inlineBytes") {
        return textFormat(Buffer.from(specifier.value).toString("utf8"), omitEmpty, `${path}.text_format_source`, violations);
      }
      violations.add(`${path}.text_format_source`, "only inline_string and inline_bytes are served");
      return () => "";
    }
    case "jsonFormat": {
      const sort = config.jsonFormatOptions?.sortProperties ?? false;
      return jsonFormat(format.value, { omitEmpty, sort }, `${path}.json_format`, violations);
    }
    case undefined:
      return textFormat(DEFAULT_TEXT_FORMAT, omitEmpty, path, violations);
    default:
      return format satisfies never;
  }
}
