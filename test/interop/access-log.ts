// Access logs in Istio's text format, told apart by the user agent, which the tests set to the name of the case.
export const LOG_FIELDS = [
  "request",
  "code",
  "flags",
  "details",
  "terminationDetails",
  "failureReason",
  "bytesReceived",
  "bytesSent",
  "authority",
  "cluster",
  "route",
] as const;
export type LogLine = Readonly<Record<(typeof LOG_FIELDS)[number], string>>;

// [start] "request" code flags details termination "failure" received sent duration service-time "forwarded-for" "agent" "id" "authority"
// "upstream" cluster upstream-local downstream-local downstream-remote server-name route
const LINE =
  /\[\d{4}-[^\]]*\] "([^"]*)" (\S+) (\S+) (\S+) (\S+) "([^"]*)" (\d+) (\d+) \S+ \S+ "[^"]*" "([^"]*)" "[^"]*" "([^"]*)" "[^"]*" (\S+) \S+ \S+ \S+ \S+ (\S+)$/;

/** The last line of each user agent; what a sidecar logs of requests to its own application does not count. @param prefix of the lines that count, where several proxies write to one output */
export function accessLogOf(output: string, prefix = ""): ReadonlyMap<string, LogLine> {
  const lines = new Map<string, LogLine>();
  for (const text of output.split("\n")) {
    if (!text.startsWith(prefix)) continue;
    const match = LINE.exec(text.trimEnd());
    if (match === null) continue;
    const [, request = "", code = "", flags = "", details = "", terminationDetails = "", failureReason = ""] = match;
    const [bytesReceived = "", bytesSent = "", agent = "", authority = "", cluster = "", route = ""] = match.slice(7);
    if (cluster.startsWith("inbound|")) continue;
    lines.set(agent, {
      request,
      code,
      flags,
      details,
      terminationDetails,
      failureReason,
      bytesReceived,
      bytesSent,
      authority,
      cluster,
      route,
    });
  }
  return lines;
}
