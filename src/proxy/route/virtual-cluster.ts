// VirtualHost.virtual_clusters, compiled: under which name a request is counted besides. The first whose headers match.
import type { VirtualCluster } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { compileHeaderMatchers } from "#matcher/header-matcher";
import type { ReportViolation } from "#matcher/string-matcher";
import type { RequestHeaderMap } from "#proxy/http/header-map";

/** undefined: the virtual host has none, or none takes the request. */
export type VirtualClusterOf = ((headers: RequestHeaderMap) => string | undefined) | undefined;

export function compileVirtualClusters(clusters: readonly VirtualCluster[], path: string, report: ReportViolation): VirtualClusterOf {
  if (clusters.length === 0) return undefined;
  const compiled = clusters.map(({ name, headers }, index) => {
    const at = `${path}[${index}]`;
    if (name === "") report(`${at}.name`, "must not be empty");
    if (headers.length === 0) report(`${at}.headers`, "must not be empty");
    return { name, headers: compileHeaderMatchers(headers, `${at}.headers`, report) };
  });
  return (request) => compiled.find(({ headers }) => headers.every((matcher) => matcher.matches(request)))?.name;
}
