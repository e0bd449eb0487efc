// Cookies of a request.
import type { HeaderMap } from "./header-map.ts";

/** Of the first cookie of that name, without quotes around it. */
export function cookieValue(headers: HeaderMap, name: string): string | undefined {
  for (const header of headers.getAll("cookie")) {
    for (const part of header.split(";")) {
      const equals = part.indexOf("=");
      if (equals < 0 || part.slice(0, equals).trim() !== name) continue;
      const value = part.slice(equals + 1).trim();
      return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
    }
  }
  return undefined;
}
