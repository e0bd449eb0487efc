// The pseudo headers of a request under the names by which configuration asks for them. `host` is `:authority`, as in Envoy.
import type { RequestHeaderMap } from "./header-map.ts";

type PseudoHeaders = Pick<RequestHeaderMap, "authority" | "path" | "method" | "scheme">;

export function requestPseudo(headers: PseudoHeaders, name: string): string | undefined {
  switch (name) {
    case "host":
    case ":authority":
      return headers.authority === "" ? undefined : headers.authority;
    case ":path":
      return headers.path === "" ? undefined : headers.path;
    case ":method":
      return headers.method;
    case ":scheme":
      return headers.scheme;
    default:
      return undefined;
  }
}

/** False: `name` is none of them. */
export function setRequestPseudo(headers: PseudoHeaders, name: string, value: string): boolean {
  switch (name) {
    case "host":
    case ":authority":
      headers.authority = value;
      return true;
    case ":path":
      headers.path = value;
      return true;
    case ":method":
      headers.method = value;
      return true;
    case ":scheme":
      headers.scheme = value;
      return true;
    default:
      return false;
  }
}
