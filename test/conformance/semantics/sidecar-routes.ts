// Section "semantics/sidecar-routes": which virtual hosts, leading where, a sidecar gets for one port. Istio's own table.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { generateResources } from "#control-plane/generate/resources";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import type { RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { ROUTE_TYPE } from "#envoy/type-urls";
import { meshOfUncheckedYaml, nodeOf } from "../../harness/mesh-of-yaml.ts";
import type { SectionResult } from "../run.ts";

interface RouteCase {
  readonly id: string;
  readonly name: string;
  readonly proxyNamespace: string;
  /** Of a route configuration: the port. */
  readonly routeName: string;
  readonly config: string;
  /** By domain, the clusters in order; null: no virtual host of that domain. */
  readonly expectedVirtualHosts: Readonly<Record<string, readonly string[] | null>>;
  /** Where it differs when HTTPRoutes say the same. */
  readonly expectedWithHTTPRouteVariant: Readonly<Record<string, readonly string[] | null>> | null;
  readonly routeMustNotExist: boolean;
}

export function run(directory: string): Promise<SectionResult> {
  const { knownServices, cases } = JSON.parse(readFileSync(join(directory, "semantics/sidecar-routes.json"), "utf8")) as {
    knownServices: string;
    cases: readonly RouteCase[];
  };
  const failures: { id: string; why: string }[] = [];
  for (const test of cases) {
    const why = differenceOf(knownServices, test);
    if (why !== "") failures.push({ id: test.id, why: `${test.name}: ${why}` });
  }
  const later = cases.map(({ id, name }) => ({ id: `${id} as HTTPRoute`, why: `${name}: HTTPRoute` }));
  return Promise.resolve({ passed: cases.length - failures.length, total: cases.length, failures, later });
}

function differenceOf(knownServices: string, test: RouteCase): string {
  let found: RouteConfiguration | undefined;
  try {
    const mesh = meshOfUncheckedYaml(`${knownServices}\n---\n${test.config}`, "");
    const node = nodeOf({
      type: "sidecar",
      id: "app.test",
      namespace: test.proxyNamespace,
      ips: ["1.1.1.1"],
      labels: {},
      serviceAccount: "",
      metadata: {},
    });
    const resource = generateResources(mesh.view(node)).get(ROUTE_TYPE)?.get(test.routeName);
    found = resource === undefined ? undefined : fromBinary(RouteConfigurationSchema, resource.value);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  if (test.routeMustNotExist) return found === undefined ? "" : `there is a route configuration ${test.routeName}`;
  const clusters = clustersByDomain(found);
  return Object.entries(test.expectedVirtualHosts)
    .flatMap(([domain, expected]) => {
      const got = clusters.get(domain);
      return JSON.stringify(got) === JSON.stringify(expected ?? undefined)
        ? []
        : [`${domain}: ${String(got)}, expected ${String(expected)}`];
    })
    .join("; ");
}

function clustersByDomain(config: RouteConfiguration | undefined): ReadonlyMap<string, readonly string[]> {
  return new Map(
    (config?.virtualHosts ?? []).flatMap(({ domains, routes }) => {
      const clusters = routes.flatMap(({ action }) =>
        action.case === "route" && action.value.clusterSpecifier.case === "cluster" ? [action.value.clusterSpecifier.value] : [],
      );
      return domains.map((domain) => [domain, clusters.sort()] as const);
    }),
  );
}
