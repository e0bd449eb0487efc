// TcpProxy.tunneling_config: the request that asks an upstream proxy for a tunnel.
import type { TcpProxy_TunnelingConfig } from "#envoy/gen/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb";
import { compileFormat, HEADER_FORMAT } from "#proxy/format/format";
import type { Format } from "#proxy/format/format";
import { PairRequestHeaderMap } from "#proxy/http/pair-header-map";
import type { RequestHeaderMap } from "#proxy/http/header-map";
import type { StreamInfo } from "#proxy/http/stream-info";
import { compileEdits } from "#proxy/route/header-mutation";

export interface TunnelingConfig {
  readonly propagatesResponseHeaders: boolean;
  readonly propagatesResponseTrailers: boolean;
  /** `secure`: the connection to the host is TLS. */
  requestHeaders(info: StreamInfo, secure: boolean): RequestHeaderMap;
}

type Refuse = (path: string, message: string) => void;

export function readTunneling(wire: TcpProxy_TunnelingConfig, path: string, refuse: Refuse): TunnelingConfig {
  const { usePost, postPath } = wire;
  const hostname = compileHostname(wire.hostname, `${path}.hostname`, refuse);
  if (postPath !== "" && !usePost) refuse(`${path}.post_path`, "needs use_post");
  const edits = compileEdits(wire.headersToAdd, [], `${path}.headers_to`, refuse);
  return Object.freeze({
    propagatesResponseHeaders: wire.propagateResponseHeaders,
    propagatesResponseTrailers: wire.propagateResponseTrailers,
    requestHeaders(info: StreamInfo, secure: boolean): RequestHeaderMap {
      const authority = hostname?.format(info) ?? "";
      const headers = new PairRequestHeaderMap({
        method: usePost ? "POST" : "CONNECT",
        authority,
        scheme: usePost ? (secure ? "https" : "http") : "",
        path: usePost ? (postPath === "" ? "/" : postPath) : "",
        upgrade: undefined,
      });
      edits?.(headers, info);
      return headers;
    },
  });
}

function compileHostname(text: string, path: string, refuse: Refuse): Format | undefined {
  if (text === "") refuse(path, "must not be empty");
  try {
    return compileFormat(text, HEADER_FORMAT);
  } catch (error) {
    refuse(path, error instanceof Error ? error.message : String(error));
    return undefined;
  }
}
