// What a route table does with one request, without sending it: the questions of Envoy's router_check_tool. Uses the very table that
// serves traffic. The request's headers are changed as the router would change them.
import type { LocalReply } from "#proxy/http/filter";
import type { DynamicMetadata } from "#matcher/metadata-matcher";
import type { RequestHeaderMap, ResponseHeaderMap } from "#proxy/http/header-map";
import type { StreamInfo } from "#proxy/http/stream-info";
import { NO_RUNTIME } from "#proxy/runtime/runtime";
import type { Runtime } from "#proxy/runtime/runtime";
import type { RouteEntry, RouteTable } from "./route.ts";

export interface CheckInput {
  readonly headers: RequestHeaderMap;
  /** The answer that response mutations are tried on. */
  readonly response: ResponseHeaderMap;
  readonly info: StreamInfo;
  readonly randomValue: number;
  /** Undefined: no layer says anything. */
  readonly runtime?: Runtime;
  readonly tls: boolean;
  readonly dynamicMetadata?: DynamicMetadata;
}

export interface CheckResult {
  readonly routeName: string;
  readonly virtualHost: string;
  /** "": its virtual host has none. */
  readonly virtualCluster: string;
  /** "" when nothing is forwarded. */
  readonly cluster: string;
  readonly path: string;
  readonly host: string;
  readonly timeoutMs: number;
  /** The Location of a redirect, else "". */
  readonly redirect: string;
  /** Status of a redirect or direct response; 0: the request is forwarded. */
  readonly replyStatus: number;
  readonly metadata: RouteEntry["metadata"];
}

/** undefined: no route takes the request. */
export function checkRoute(table: RouteTable, check: CheckInput): CheckResult | undefined {
  const { headers, response, info } = check;
  const input = { ...check, runtime: check.runtime ?? NO_RUNTIME };
  const entry = table.match(input);
  if (entry === undefined) return undefined;
  const virtualCluster = entry.virtualCluster === undefined ? "" : (entry.virtualCluster(headers) ?? "other");
  const reply = entry.reply?.(headers, info);
  if (reply !== undefined) {
    response.status = reply.status;
    for (const [name, value] of reply.headers ?? []) response.set(name, value);
    // A body has its length and type before the route's own headers are added.
    if (reply.body !== "") {
      response.set("content-length", String(reply.body.length));
      response.set("content-type", "text/plain");
    }
  }
  const choice = entry.chooseCluster(input);
  if (reply === undefined && choice !== undefined) entry.finalizeRequest(headers, info, choice);
  entry.finalizeResponse(response, info, choice);
  return {
    routeName: entry.name,
    virtualHost: entry.virtualHost,
    virtualCluster,
    cluster: choice?.cluster ?? "",
    path: headers.path,
    host: headers.authority,
    timeoutMs: entry.timeoutMs,
    redirect: locationOf(reply),
    replyStatus: reply?.status ?? 0,
    metadata: entry.metadata,
  };
}

function locationOf(reply: LocalReply | undefined): string {
  return reply?.headers?.find(([name]) => name === "location")?.[1] ?? "";
}
