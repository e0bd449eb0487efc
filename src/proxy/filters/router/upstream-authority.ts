// Whose server a request asks for, where that is part of how its connection begins (auto_sni, auto_san_validation).
import type { RequestHeaderMap } from "#proxy/http/header-map";

/** `header`: override_auto_sni_header. One that is missing or empty leaves it to the authority. */
export function upstreamAuthority(headers: RequestHeaderMap, header: string | undefined): string {
  const own = header === undefined ? undefined : headers.get(header);
  return own === undefined || own === "" ? headers.authority : own;
}
