// Warnings as `Warning:` headers (RFC 7234, 5.5), which kubectl prints. What is too long for headers is cut, as Kubernetes cuts it.
const MAX_BYTES = 4 * 1024;
const CUT_TO = 256;

export function warningHeaders(warnings: readonly string[]): string[] {
  const distinct = [...new Set(warnings)];
  const isLong = distinct.reduce((sum, text) => sum + text.length, 0) > MAX_BYTES;
  const headers: string[] = [];
  let bytes = 0;
  for (const warning of distinct) {
    const text = isLong && warning.length > CUT_TO ? `${warning.slice(0, CUT_TO - 3)}...` : warning;
    const quoted = text.replaceAll(/\p{Cc}/gu, " ").replaceAll(/["\\]/gu, "\\$&");
    // Node takes a header for latin1; these are the bytes of UTF-8.
    const header = Buffer.from(`299 - "${quoted}"`).toString("latin1");
    bytes += header.length;
    if (bytes > MAX_BYTES) break;
    headers.push(header);
  }
  return headers;
}
