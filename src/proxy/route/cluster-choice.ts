// Which cluster a request goes to: one, one by weight, or the one that a header names.
import type { RouteAction, WeightedCluster } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { headerReader } from "#matcher/header-matcher";
import { asciiLower, wireText } from "#matcher/wire-text";
import type { Violations } from "#proxy/field-check";
import type { HttpFilterCompiler } from "#proxy/http/filter";
import { compileFilterConfigs } from "./filter-config.ts";
import type { FilterConfigs } from "./filter-config.ts";
import { compileHeaderMutation } from "./header-mutation.ts";
import type { ClusterChoice, HeaderMutation, MetadataMatch, RouteInput } from "./route.ts";

export type ChooseCluster = (input: RouteInput) => ClusterChoice | undefined;

function choice(
  cluster: string,
  mutation?: HeaderMutation,
  hostRewrite?: string,
  filterConfig?: FilterConfigs,
  metadataMatch?: MetadataMatch,
): ClusterChoice {
  return Object.freeze({ cluster, requestMutation: mutation, responseMutation: mutation, hostRewrite, filterConfig, metadataMatch });
}

export function compileClusterChoice(
  action: RouteAction,
  filters: readonly HttpFilterCompiler[],
  path: string,
  violations: Violations,
): ChooseCluster {
  const report = violations.add;
  const ofRoute = action.metadataMatch?.filterMetadata["envoy.lb"];
  const { clusterSpecifier: specifier } = action;
  switch (specifier.case) {
    case "cluster": {
      if (specifier.value === "") report(`${path}.cluster`, "must not be empty");
      const only = choice(specifier.value, undefined, undefined, undefined, ofRoute);
      return () => only;
    }
    case "clusterHeader": {
      if (specifier.value === "") report(`${path}.cluster_header`, "must not be empty");
      const read = headerReader(asciiLower(specifier.value));
      return ({ headers }) => choice(read(headers) ?? "", undefined, undefined, undefined, ofRoute);
    }
    case "weightedClusters":
      return compileWeighted(specifier.value, ofRoute, filters, `${path}.weighted_clusters`, violations);
    case "clusterSpecifierPlugin":
    case "inlineClusterSpecifierPlugin":
      return () => undefined;
    case undefined:
      report(path, "needs one of cluster, cluster_header, weighted_clusters");
      return () => undefined;
    default:
      return specifier satisfies never;
  }
}

function compileWeighted(
  config: WeightedCluster,
  ofRoute: MetadataMatch,
  filters: readonly HttpFilterCompiler[],
  path: string,
  violations: Violations,
): ChooseCluster {
  const report = violations.add;
  const choices: ((input: RouteInput) => ClusterChoice)[] = [];
  let total = 0;
  for (const [index, entry] of config.clusters.entries()) {
    const at = `${path}.clusters[${index}]`;
    if ((entry.name === "") === (entry.clusterHeader === "")) report(at, "needs one of name, cluster_header");
    const { hostRewriteSpecifier: host } = entry;
    const filterConfig = compileFilterConfigs(entry.typedPerFilterConfig, filters, at, violations);
    const hostRewrite = host.case === "hostRewriteLiteral" ? wireText(host.value) : undefined;
    const mutation = compileHeaderMutation(entry, at, report);
    const own = filterConfig.empty ? undefined : filterConfig;
    const ofEntry = entry.metadataMatch?.filterMetadata["envoy.lb"];
    const metadata = ofEntry === undefined ? ofRoute : { ...ofRoute, ...ofEntry };
    if (entry.clusterHeader === "") {
      const only = choice(entry.name, mutation, hostRewrite, own, metadata);
      choices.push(() => only);
    } else {
      const read = headerReader(asciiLower(entry.clusterHeader));
      choices.push(({ headers }) => choice(read(headers) ?? "", mutation, hostRewrite, own, metadata));
    }
    total += entry.weight ?? 0;
  }
  if (config.totalWeight !== undefined && config.totalWeight !== total) {
    report(`${path}.total_weight`, `the weights sum up to ${total}, not to ${config.totalWeight}`);
  }
  if (total === 0) report(path, "the sum of all weights must be greater than 0");
  if (total > 0xffff_ffff) report(path, `the sum of all weights (${total}) does not fit into 32 bits`);
  const { runtimeKeyPrefix, randomValueSpecifier: specifier } = config;
  const keys = runtimeKeyPrefix === "" ? undefined : config.clusters.map(({ name }) => `${runtimeKeyPrefix}.${name}`);
  const weights = config.clusters.map(({ weight }) => weight ?? 0);
  const named = specifier.case === "headerName" && specifier.value !== "" ? headerReader(asciiLower(specifier.value)) : undefined;
  return (input) => {
    const given = named?.(input.headers);
    const sum = keys === undefined ? total : keys.reduce((all, key, at) => all + input.runtime.integer(key, weights[at]!), 0);
    // Somebody has set all weights to 0 at runtime.
    if (sum === 0) return undefined;
    let point = given !== undefined && /^\d{1,20}$/.test(given) ? Number(BigInt(given) % BigInt(sum)) : Math.floor(input.randomValue * sum);
    for (let i = 0; i < weights.length; i++) {
      const weight = weights[i]!;
      point -= keys === undefined ? weight : input.runtime.integer(keys[i]!, weight);
      if (point < 0) return choices[i]!(input);
    }
    return undefined;
  };
}
