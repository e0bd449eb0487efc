// What our proxy says to configurations that a real istiod sent: each is accepted, or refused for nothing but types of features that come
// later, each named. In process: the proxy's own checks of resources, the same that answer an xDS server.
import { readdirSync } from "node:fs";
import { join, matchesGlob } from "node:path";
import type { JsonValue } from "@bufbuild/protobuf";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "#envoy/type-urls";
import { ConfigError } from "#proxy/config-error";
import { COMPILERS } from "#proxy/data-plane/composition";
import { ListenerSockets } from "#proxy/data-plane/listener-sockets";
import { resourceChecks } from "#proxy/data-plane/resource-checks";
import { withoutIstioFilters } from "../replay/istio-filters.ts";
import { encodeResources, readRecordedResources } from "../replay/recorded-resources.ts";
import type { SectionOptions, SectionResult } from "./run.ts";

/** Types and settings of later features, as our proxy names them. Anything else that is refused is wrong. */
const LATER: readonly RegExp[] = [
  /http filter envoy\.extensions\.filters\.http\.(rbac|jwt_authn|ext_authz|lua|wasm|ext_proc|local_ratelimit|ratelimit|compressor|grpc_web)\./,
  /http filter (udpa|xds)\.type\.v\d\.TypedStruct/,
  /network filter envoy\.extensions\.filters\.network\.(rbac|ext_authz|mongo_proxy|wasm)\./,
  /access_loggers\.(grpc|open_telemetry)\./,
  /tracing\.provider/,
  /http_filters\[\d+\]\.config_discovery/,
  // Claims of a JWT, which a filter of a later feature writes.
  /match\.dynamic_metadata/,
  /only HTTP\/1\.1 to upstream hosts is served yet, not http2ProtocolOptions/,
];

/** No address is taken: nothing is served here. */
class NoSockets extends ListenerSockets {
  override reserve(): void {}
}

/** `--type`: listeners, clusters, routes or endpoints alone. */
export async function run(directory: string, { scenario, type, verbose }: SectionOptions): Promise<SectionResult> {
  const checks = resourceChecks(COMPILERS, new NoSockets(), {
    ads: true,
    clusterManager: { localCluster: undefined, upstreamBindConfig: undefined, outlierEventLog: undefined },
    clusters: new Set(["sds-grpc", "xds-grpc"]),
    secrets: new Set(),
  });
  const judge: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
    [CLUSTER_TYPE]: (bytes) => checks.cluster(bytes),
    [ENDPOINT_TYPE]: (bytes) => checks.assignment(bytes),
    [LISTENER_TYPE]: (bytes) => checks.listener(bytes, new Set()),
    [ROUTE_TYPE]: (bytes) => checks.route(bytes),
  };
  const root = join(directory, "istiod");
  const later: { id: string; why: string }[] = [];
  const failures: { id: string; why: string }[] = [];
  const reasons = new Map<string, number>();
  let total = 0;
  for (const name of scenarios(root)) {
    if (scenario.length > 0 && !scenario.some((glob) => matchesGlob(name, glob))) continue;
    for (const proxy of readdirSync(join(root, name, "out"))) {
      const id = `${name}/${proxy}`;
      const recorded = readRecordedResources(join(root, name, "out", proxy));
      const none = { clusters: [], endpoints: [], listeners: [], routes: [], extensions: [] };
      const asked = type === undefined ? recorded : { ...none, [type]: recorded[type as keyof typeof recorded] };
      const stripped = withoutIstioFilters(asked as unknown as JsonValue) as unknown as typeof recorded;
      const wrong: string[] = [];
      const rightly: string[] = [];
      for (const { typeUrl, name: resource, value } of await encodeResources(stripped, { unknownTypes: "empty" })) {
        for (const { path, message } of violations(judge[typeUrl], value)) {
          const text = `${path}: ${message}`;
          const known = LATER.some((pattern) => pattern.test(text));
          (known ? rightly : wrong).push(`${resource} ${text}`);
          if (!known) reasons.set(general(text), (reasons.get(general(text)) ?? 0) + 1);
        }
      }
      total++;
      if (wrong.length > 0) failures.push({ id, why: wrong.slice(0, verbose ? 50 : 3).join("; ") });
      else if (rightly.length > 0) later.push({ id, why: [...new Set(rightly.map(general))].slice(0, 3).join("; ") });
    }
  }
  const report = [
    `accepted ${total - later.length - failures.length}, refused for types of later features ${later.length}, wrong ${failures.length}`,
    ...[...reasons].toSorted((a, b) => b[1] - a[1]).map(([reason, count]) => `${count} x ${reason}`),
  ];
  return { passed: total - later.length - failures.length, total, failures, later, report };
}

function scenarios(root: string): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .toSorted();
}

function violations(check: ((bytes: Uint8Array) => unknown) | undefined, bytes: Uint8Array): readonly { path: string; message: string }[] {
  try {
    check?.(bytes);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.violations;
    return [{ path: "", message: error instanceof Error ? (error.stack ?? error.message) : String(error) }];
  }
}

/** Without the places in lists, so that the same reason counts as one. */
function general(text: string): string {
  return text.replaceAll(/\[\d+\]/g, "[]").replaceAll(/\["[^"]*"\]/g, "[]");
}
