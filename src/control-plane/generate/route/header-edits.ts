// Header operations of routes and destinations. Host and :authority are not headers to Envoy: setting one becomes a host rewrite.
import { create } from "@bufbuild/protobuf";
import {
  HeaderValueOption_HeaderAppendAction as AppendAction,
  HeaderValueOptionSchema,
  type HeaderValueOption,
} from "#envoy/gen/envoy/config/core/v3/base_pb";
import type { Headers } from "#api/virtual-service";

export interface HeaderEdits {
  readonly requestHeadersToAdd: HeaderValueOption[];
  readonly requestHeadersToRemove: string[];
  readonly responseHeadersToAdd: HeaderValueOption[];
  readonly responseHeadersToRemove: string[];
  /** What the Host header is set to, else "". */
  readonly authority: string;
}

export function headerEdits(headers: Headers | undefined): HeaderEdits {
  const request = headers?.request;
  const response = headers?.response;
  return {
    requestHeadersToAdd: [...options(request?.set, false), ...options(request?.add, true)],
    requestHeadersToRemove: (request?.remove ?? []).filter((name) => !isInternal(name)),
    responseHeadersToAdd: [...options(response?.set, false), ...options(response?.add, true)],
    responseHeadersToRemove: (response?.remove ?? []).filter((name) => !isInternal(name)),
    authority: authorityOf(request?.set) || authorityOf(request?.add),
  };
}

function options(headers: Readonly<Record<string, string>> | undefined, append: boolean): HeaderValueOption[] {
  return Object.entries(headers ?? {})
    .filter(([key]) => !isInternal(key))
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, value]) =>
      create(HeaderValueOptionSchema, {
        header: { key, value },
        appendAction: append ? AppendAction.APPEND_IF_EXISTS_OR_ADD : AppendAction.OVERWRITE_IF_EXISTS_OR_ADD,
      }),
    );
}

function isInternal(name: string): boolean {
  return name.startsWith(":") || name.toLowerCase() === "host";
}

function authorityOf(headers: Readonly<Record<string, string>> | undefined): string {
  for (const [key, value] of Object.entries(headers ?? {})) {
    const name = key.toLowerCase();
    if (name === "host" || name === ":authority") return value;
  }
  return "";
}
