// Copies of requests that go to another destination; nobody waits for their answers.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  RouteAction_RequestMirrorPolicySchema,
  type RouteAction_RequestMirrorPolicy,
} from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { Destination, HTTPRoute } from "#api/virtual-service";
import { destinationCluster } from "./destination-cluster.ts";
import { hundredths, millionths } from "./fractional-percent.ts";
import type { RouteContext } from "./route-context.ts";

type Share = ReturnType<typeof hundredths>;

/** A share of 0 that is written out is no mirror; one that is not written is all of the requests. */
export function mirrorPolicies(rule: HTTPRoute, context: RouteContext): RouteAction_RequestMirrorPolicy[] {
  const policies: RouteAction_RequestMirrorPolicy[] = [];
  const add = (destination: Destination | undefined, share: Share): void => {
    if (destination !== undefined && share.numerator > 0) policies.push(mirrorPolicy(destination, share, context));
  };
  add(rule.mirror, shareOf(rule));
  for (const mirror of rule.mirrors ?? []) {
    add(mirror.destination, mirror.percentage === undefined ? hundredths(100) : millionths(mirror.percentage));
  }
  return policies;
}

function shareOf(rule: HTTPRoute): Share {
  if (rule.mirrorPercentage !== undefined) return millionths(rule.mirrorPercentage);
  return hundredths(rule.mirrorPercent ?? 100);
}

function mirrorPolicy(destination: Destination, share: Share, context: RouteContext): RouteAction_RequestMirrorPolicy {
  const settings: MessageInitShape<typeof RouteAction_RequestMirrorPolicySchema> = {
    cluster: destinationCluster(destination, context.service(destination.host), context.port),
    runtimeFraction: { defaultValue: share },
    traceSampled: false,
    // The copy keeps its Host: with `-shadow` behind it no route of the destination would match.
    disableShadowHostSuffixAppend: true,
  };
  return create(RouteAction_RequestMirrorPolicySchema, settings);
}
