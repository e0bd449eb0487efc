// The operation that tracing names a request after, told to the other side in x-envoy-decorator-operation: by a proxy on the way out in the
// request, by one on the way in in the response. Envoy does so wherever tracing is configured, whether or not there is anything to trace with.
import type { RouteEntry } from "#proxy/route/route";
import type { RequestHeaderMap, ResponseHeaderMap } from "./header-map.ts";

const HEADER = "x-envoy-decorator-operation";

/** @returns the operation that the response is to name */
export function decorateRequest(headers: RequestHeaderMap, decorator: RouteEntry["decorator"], outbound: boolean): string | undefined {
  const operation = decorator?.propagate === true ? decorator.operation : undefined;
  if (outbound) {
    if (operation !== undefined) headers.set(HEADER, operation);
    return undefined;
  }
  // What the caller calls it goes before what this side does, and is not for the application.
  const given = headers.get(HEADER);
  headers.remove(HEADER);
  return given === undefined || given === "" ? operation : undefined;
}

export function decorateResponse(headers: ResponseHeaderMap, operation: string | undefined, outbound: boolean): void {
  if (outbound) headers.remove(HEADER);
  else if (operation !== undefined) headers.set(HEADER, operation);
}
