// request_mirror_policies: to which clusters, how often and under which host copies of a request go.
import type { RouteAction } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { headerReader } from "#matcher/header-matcher";
import type { ReportViolation } from "#matcher/string-matcher";
import { asciiLower } from "#matcher/wire-text";
import type { RequestHeaderMap } from "#proxy/http/header-map";
import { runtimeShare } from "#proxy/runtime/runtime-fields";
import type { RuntimeShare } from "#proxy/runtime/runtime-fields";

export interface MirrorPolicy {
  /** undefined: the header that names it is not there. */
  cluster(headers: RequestHeaderMap): string | undefined;
  /** Of requests. */
  readonly share: RuntimeShare;
  /** The copy's host says that it is one: `-shadow`. */
  readonly marksHost: boolean;
}

export function compileMirrorPolicies(
  policies: RouteAction["requestMirrorPolicies"],
  path: string,
  report: ReportViolation,
): readonly MirrorPolicy[] | undefined {
  if (policies.length === 0) return undefined;
  return policies.map(({ cluster, clusterHeader, runtimeFraction, disableShadowHostSuffixAppend }, at) => {
    if ((cluster === "") === (clusterHeader === "")) report(`${path}[${at}]`, "needs one of cluster, cluster_header");
    return Object.freeze({
      cluster: clusterHeader === "" ? () => cluster : headerReader(asciiLower(clusterHeader)),
      share: runtimeShare(runtimeFraction, 1),
      marksHost: !disableShadowHostSuffixAppend,
    });
  });
}
