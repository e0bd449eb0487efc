// request_headers_to_add/remove and response_headers_to_add/remove, compiled once. As in Envoy removal goes first, then what overwrites,
// then what is added; values and whether a header is there are asked for before the first is written, so that none sees another of
// the same list.
import type { HeaderValueOption } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { HeaderValueOption_HeaderAppendAction as Append } from "#envoy/gen/envoy/config/core/v3/base_pb";
import type { HeaderMutation as WireMutation } from "#envoy/gen/envoy/config/common/mutation_rules/v3/mutation_rules_pb";
import type { ReportViolation } from "#matcher/string-matcher";
import { asciiLower } from "#matcher/wire-text";
import { compileFormat, HEADER_FORMAT } from "#proxy/format/format";
import type { Format } from "#proxy/format/format";
import type { HeaderMap } from "#proxy/http/header-map";
import type { StreamInfo } from "#proxy/http/stream-info";
import type { HeaderMutation } from "./route.ts";

export interface MutationConfig {
  readonly requestHeadersToAdd: readonly HeaderValueOption[];
  readonly requestHeadersToRemove: readonly string[];
  readonly responseHeadersToAdd: readonly HeaderValueOption[];
  readonly responseHeadersToRemove: readonly string[];
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** undefined when there is nothing to change. */
export function compileHeaderMutation(config: MutationConfig, path: string, report: ReportViolation): HeaderMutation | undefined {
  const prefix = path === "" ? "" : `${path}.`;
  const request = compileEdits(config.requestHeadersToAdd, config.requestHeadersToRemove, `${prefix}request_headers_to`, report);
  const response = compileEdits(config.responseHeadersToAdd, config.responseHeadersToRemove, `${prefix}response_headers_to`, report);
  if (request === undefined && response === undefined) return undefined;
  return {
    applyToRequest: (headers, info) => request?.(headers, info),
    applyToResponse: (headers, info) => response?.(headers, info),
  };
}

export type Edits = (headers: HeaderMap, info: StreamInfo) => void;

interface Addition {
  readonly name: string;
  readonly format: Format;
  /** Instead of what is there, else beside it. */
  readonly overwrites: boolean;
  /** Only where the header is there already, or only where it is not. */
  readonly onlyIf: "present" | "absent" | undefined;
  readonly keepEmpty: boolean;
}

export function compileEdits(
  add: readonly HeaderValueOption[],
  remove: readonly string[],
  path: string,
  report: ReportViolation,
): Edits | undefined {
  if (add.length === 0 && remove.length === 0) return undefined;
  const names = remove.map((name, index) => checkedName(name, `${path}_remove[${index}]`, report));
  const listed = add.map((option, index) => compileAddition(option, `${path}_add[${index}]`, report));
  const additions = [...listed.filter(({ overwrites }) => overwrites), ...listed.filter(({ overwrites }) => !overwrites)];
  const conditional = additions.some(({ onlyIf }) => onlyIf !== undefined);
  const constant = additions.every(({ format }) => format.constant !== undefined);
  return (headers, info) => {
    for (let i = 0; i < names.length; i++) headers.remove(names[i] as string);
    const due = conditional ? additions.filter((addition) => isDue(headers, addition)) : additions;
    if (constant) {
      for (let i = 0; i < due.length; i++) write(headers, due[i] as Addition, (due[i] as Addition).format.constant as string);
      return;
    }
    const values = due.map(({ format }) => format.format(info));
    for (let i = 0; i < due.length; i++) write(headers, due[i] as Addition, values[i] as string);
  };
}

function isDue(headers: HeaderMap, { name, onlyIf }: Addition): boolean {
  return onlyIf === undefined || headers.has(name) === (onlyIf === "present");
}

function write(headers: HeaderMap, { name, overwrites, keepEmpty }: Addition, value: string): void {
  if (value === "" && !keepEmpty) return;
  if (overwrites) headers.set(name, value);
  else headers.add(name, value);
}

function compileAddition(option: HeaderValueOption, path: string, report: ReportViolation, pseudo = false): Addition {
  const key = option.header?.key ?? "";
  const name = pseudo && /^:[a-z]+$/.test(key) ? key : checkedName(key, `${path}.header.key`, report);
  const text = option.header?.value ?? "";
  let format: Format;
  try {
    format = compileFormat(text, HEADER_FORMAT);
  } catch (error) {
    report(`${path}.header.value`, error instanceof Error ? error.message : String(error));
    format = compileFormat("", HEADER_FORMAT);
  }
  if (/[\0\r\n]/.test(text)) report(`${path}.header.value`, "must not hold a line break or NUL");
  const deprecated =
    option.append === undefined ? undefined : option.append ? Append.APPEND_IF_EXISTS_OR_ADD : Append.OVERWRITE_IF_EXISTS_OR_ADD;
  const action = deprecated ?? option.appendAction;
  if (Append[action] === undefined) report(`${path}.append_action`, `${action} is not known`);
  return {
    name,
    format,
    overwrites: action === Append.OVERWRITE_IF_EXISTS_OR_ADD || action === Append.OVERWRITE_IF_EXISTS,
    onlyIf: action === Append.OVERWRITE_IF_EXISTS ? "present" : action === Append.ADD_IF_ABSENT ? "absent" : undefined,
    keepEmpty: option.keepEmptyValue,
  };
}

function checkedName(name: string, path: string, report: ReportViolation): string {
  const lower = asciiLower(name);
  // Host and path have fields of their own (host_rewrite_*, prefix_rewrite): Envoy refuses them here too.
  if (lower.startsWith(":") || lower === "host") report(path, `"${name}" may not be changed here; use host_rewrite_* or *_rewrite`);
  else if (!TOKEN.test(lower)) report(path, `"${name}" is not a header name`);
  return lower;
}

/** A list of config.common.mutation_rules.v3.HeaderMutation, applied one after the other; pseudo headers may be changed too, as in Envoy. */
export function compileMutationList(list: readonly WireMutation[], path: string, report: ReportViolation): Edits | undefined {
  if (list.length === 0) return undefined;
  const edits = list.map(({ action }, index): Edits => {
    const at = `${path}[${index}]`;
    if (action.case === "remove") {
      const name = asciiLower(action.value);
      return (headers) => headers.remove(name);
    }
    if (action.case === "append") {
      const addition = compileAddition(action.value, `${at}.append`, report, true);
      return (headers, info) => {
        if (isDue(headers, addition)) write(headers, addition, addition.format.format(info));
      };
    }
    report(at, "remove or append must be set");
    return () => {};
  });
  return (headers, info) => {
    for (let i = 0; i < edits.length; i++) (edits[i] as Edits)(headers, info);
  };
}
