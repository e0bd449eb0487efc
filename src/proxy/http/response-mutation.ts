// What the connection manager does to response headers behind all filters, to local replies too.
import type { HcmRuntime } from "./hcm-runtime.ts";
import type { RequestHeaderMap, ResponseHeaderMap } from "./header-map.ts";

export function mutateResponseHeaders(headers: ResponseHeaderMap, request: RequestHeaderMap | undefined, runtime: HcmRuntime): void {
  const { config } = runtime;
  if (!headers.has("date")) headers.set("date", runtime.httpDate());
  if (config.serverHeader === "overwrite") headers.set("server", config.serverName);
  else if (config.serverHeader === "append-if-absent" && !headers.has("server")) headers.set("server", config.serverName);
  const { via } = config.mutation;
  if (via !== "") {
    const before = headers.getJoined("via");
    headers.set("via", before === undefined ? via : `${before}, ${via}`);
  }
  if (!config.alwaysSetRequestIdInResponse) return;
  const id = request?.get("x-request-id");
  if (id !== undefined) headers.set("x-request-id", id);
}
