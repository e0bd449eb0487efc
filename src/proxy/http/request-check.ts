// What makes a request unfit before any filter sees it, and the form its path and host are brought to.
import type { LocalReply } from "./filter.ts";
import type { HcmConfig } from "./hcm-config.ts";
import type { HcmStats } from "./hcm-stats.ts";
import { hasGrpcContentType } from "./grpc.ts";
import type { RequestHeaderMap } from "./header-map.ts";
import { LOCAL_REPLIES } from "./local-reply.ts";
import { isPlain, normalizePath } from "./path-normalization.ts";
import type { HttpVersion } from "./stream.ts";

/** @returns the answer when the request is refused */
export function checkRequest(
  headers: RequestHeaderMap,
  version: HttpVersion | undefined,
  localPort: number,
  config: HcmConfig,
  stats: HcmStats,
): LocalReply | undefined {
  if (config.underscores !== "allow" && hasRefusedUnderscore(headers, version, config.underscores, stats))
    return LOCAL_REPLIES.underscoreInHeader;
  if (headers.authority === "") {
    if (config.defaultHostForHttp10 === "" || version !== "HTTP/1.0") return LOCAL_REPLIES.missingHost;
    headers.authority = config.defaultHostForHttp10;
  }
  const refused = headers.method === "CONNECT" ? undefined : checkPath(headers, version, config, stats);
  if (refused !== undefined) return refused;
  if (config.stripTrailingHostDot) stripTrailingDot(headers);
  if (config.stripPort !== "none") stripPort(headers, config.stripPort === "any" ? undefined : localPort);
  return undefined;
}

/** True: the request is refused. Such names mean the same as others to some applications (CGI), and so pass checks of those. */
function hasRefusedUnderscore(
  headers: RequestHeaderMap,
  version: HttpVersion | undefined,
  action: "reject" | "drop",
  stats: HcmStats,
): boolean {
  const found: string[] = [];
  headers.forEach((name) => {
    if (name.includes("_")) found.push(name);
  });
  if (found.length === 0) return false;
  if (action === "reject") {
    stats.rqRejectedUnderscore(version).inc();
    return true;
  }
  for (const name of found) {
    headers.remove(name);
    stats.headersDroppedUnderscore(version).inc();
  }
  return false;
}

/** `a.example.` and `a.example.:80` are the same host without the dot. */
function stripTrailingDot(headers: RequestHeaderMap): void {
  const { authority } = headers;
  const colon = authority.endsWith("]") ? -1 : authority.lastIndexOf(":");
  const end = colon === -1 ? authority.length : colon;
  if (end > 1 && authority[end - 1] === ".") headers.authority = authority.slice(0, end - 1) + authority.slice(end);
}

function checkPath(
  headers: RequestHeaderMap,
  version: HttpVersion | undefined,
  config: HcmConfig,
  stats: HcmStats,
): LocalReply | undefined {
  let path = headers.path;
  if (path === "") return LOCAL_REPLIES.missingPath;
  // Asks about the server as a whole: no route has this path, and the router says so (of HTTP/1; Envoy takes it for a bad path of HTTP/2).
  if (path === "*" && headers.method === "OPTIONS" && version !== "HTTP/2") return undefined;
  if (path.charCodeAt(0) !== 47) {
    stats.rqNonRelativePath.inc();
    return LOCAL_REPLIES.absolutePath;
  }
  if (isPlain(path)) return undefined;
  // A fragment never belongs on the wire. Istio's proxies cut it off (Envoy's own default is to refuse the request).
  const fragmentAt = path.indexOf("#");
  if (fragmentAt !== -1) path = path.slice(0, fragmentAt);
  const result = normalizePath(path, config.path);
  switch (result.kind) {
    case "ok":
      if (result.path !== headers.path) headers.path = result.path;
      return undefined;
    case "reject":
      stats.rqFailedPathNormalization.inc();
      return LOCAL_REPLIES.pathNormalizationFailed;
    case "redirect":
      // gRPC clients follow no redirects; Envoy answers them with INTERNAL.
      if (hasGrpcContentType(headers)) {
        stats.rqFailedPathNormalization.inc();
        return LOCAL_REPLIES.pathNormalizationFailed;
      }
      stats.rqRedirectedWithNormalizedPath.inc();
      return {
        kind: "local-reply",
        status: 307,
        body: "",
        flag: undefined,
        details: "path_normalization_failed",
        headers: [["location", result.path]],
      };
  }
}

/** strip_matching_host_port (only that port) and strip_any_host_port (undefined: any). */
function stripPort(headers: RequestHeaderMap, port: number | undefined): void {
  const { authority } = headers;
  const colon = authority.lastIndexOf(":");
  if (colon === -1 || authority.endsWith("]") || (authority.indexOf(":") !== colon && !authority.startsWith("["))) return;
  const text = authority.slice(colon + 1);
  if (/^\d+$/.test(text) && (port === undefined || Number(text) === port)) headers.authority = authority.slice(0, colon);
}
