// What the connection manager does to a request before any filter sees it: checks, header changes, whether it may become a tunnel.
import type { ConnectionInfo } from "#proxy/net/connection";
import type { RouteEntry } from "#proxy/route/route";
import type { LocalReply } from "./filter.ts";
import type { HcmRuntime } from "./hcm-runtime.ts";
import type { RequestHeaderMap } from "./header-map.ts";
import { LOCAL_REPLIES } from "./local-reply.ts";
import { decorateRequest } from "./operation-decorator.ts";
import { checkRequest } from "./request-check.ts";
import { mutateRequestHeaders } from "./request-mutation.ts";
import type { ServerStream } from "./server-codec.ts";
import type { StreamRecord } from "./stream-record.ts";
import { decideTrace } from "./trace-reason.ts";
import { addUserAgent } from "./user-agent.ts";

export interface PreparedStream {
  readonly runtime: HcmRuntime;
  readonly info: StreamRecord;
  readonly sender: ServerStream;
  readonly connection: ConnectionInfo;
  /** Of the listener: towards others, not towards the application. */
  readonly outbound: boolean;
  route(): RouteEntry | undefined;
  // What comes of it.
  internalRequest: boolean;
  /** It asks for a tunnel, and may. */
  upgrades: boolean;
  /** The name of the operation, where tracing is on. */
  operation: string | undefined;
}

/** @returns the answer when the request is refused */
export function prepareRequest(stream: PreparedStream, headers: RequestHeaderMap): LocalReply | undefined {
  const { runtime, info, outbound } = stream;
  const { config, stats, thread } = runtime;
  const { local, remote, tls } = stream.connection;
  config.earlyMutation?.applyToRequest(headers, info);
  const { authority } = headers;
  const refused = checkRequest(headers, info.protocol, local.port, config, stats);
  // Routes see it without its port; the upstream could not open a tunnel to such a target.
  if (headers.method === "CONNECT" && headers.authority !== authority && !headers.authority.includes(":"))
    info.connectPort = /:\d+$/.exec(authority)?.[0];
  if (refused !== undefined) {
    // A redirect to the normalized path is no error. An underscore is one of the codec, which never goes on.
    if (refused === LOCAL_REPLIES.underscoreInHeader || (refused.status >= 400 && !config.http1StreamErrorOnInvalidHttpMessage))
      stream.sender.closeAfterResponse();
    return refused;
  }
  const client = mutateRequestHeaders(headers, info.protocol, remote, local, tls, config.mutation, thread.random);
  if (config.addsUserAgent) addUserAgent(headers, thread.local.cluster, thread.nodeId);
  info.downstreamRemote = client.remote;
  stream.internalRequest = client.internal;
  if (config.tracing !== undefined) {
    const reason = decideTrace(headers, config.tracing, stream.route()?.traceSampling, thread.random, thread.runtime);
    runtime.traceStats?.count(reason);
  }

  const upgrade = headers.method === "CONNECT" ? "connect" : headers.upgrade;
  if (upgrade !== undefined) {
    if (allowsUpgrade(stream, upgrade)) {
      stream.upgrades = true;
      stats.cxUpgradesTotal.inc();
      stats.cxUpgradesActive.inc();
    } else if (stream.route() !== undefined) {
      // Where no route is either, the router says so: 404 before 403, as in Envoy.
      stats.rqWsOnNonWsRoute.inc();
      return LOCAL_REPLIES.upgradeFailed;
    }
  }
  if (config.tracing !== undefined) stream.operation = decorateRequest(headers, stream.route()?.decorator, outbound);
  return undefined;
}

function allowsUpgrade(stream: PreparedStream, type: string): boolean {
  const { upgrades } = stream.runtime.config;
  const byRoute = stream.route()?.upgrades?.get(type);
  return byRoute ?? upgrades.get(type) ?? false;
}
