// The tracing block of a connection manager as MeshConfig and ProxyConfig shape it: sampling and tags. Providers and the Telemetry API
// are not read yet; without a provider the block makes no spans.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  HttpConnectionManager_TracingSchema as TracingSchema,
  type HttpConnectionManager_Tracing as Tracing,
} from "#envoy/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb";
import { CustomTagSchema, type CustomTag } from "#envoy/gen/envoy/type/tracing/v3/custom_tag_pb";
import type { ProxyConfig } from "#api/mesh-config";
import type { FilterInputs } from "#control-plane/generate/filter-inputs";
import type { ProxyNode } from "#control-plane/mesh/proxy";

/** In percent, where nothing says otherwise. */
const DEFAULT_SAMPLING = 1;

type TracingConfig = ProxyConfig["tracing"];

/** Undefined when the mesh does not trace. */
export function tracing({ config, proxyConfig, node }: FilterInputs): Tracing | undefined {
  if (config.enableTracing !== true) return undefined;
  const settings = proxyConfig.tracing;
  const pathLength = settings?.maxPathTagLength ?? 0;
  return create(TracingSchema, {
    clientSampling: { value: 100 },
    overallSampling: { value: 100 },
    randomSampling: { value: samplingOf(settings) },
    customTags: [...(settings?.enableIstioTags === false ? [] : istioTags(node)), ...configuredTags(settings)].sort((a, b) =>
      a.tag < b.tag ? -1 : a.tag > b.tag ? 1 : 0,
    ),
    ...(pathLength === 0 ? {} : { maxPathTagLength: pathLength }),
  });
}

function samplingOf(settings: TracingConfig): number {
  const sampling = settings?.sampling ?? 0;
  if (sampling === 0) return DEFAULT_SAMPLING;
  // As istiod does with what cannot be meant.
  return sampling > 100 ? 1 : sampling;
}

function istioTags(node: ProxyNode): readonly CustomTag[] {
  return [
    literal("istio.canonical_revision", node.labels["service.istio.io/canonical-revision"] ?? "latest"),
    literal("istio.canonical_service", node.labels["service.istio.io/canonical-name"] ?? "unknown"),
    literal("istio.cluster_id", node.clusterId === "" ? "unknown" : node.clusterId),
    literal("istio.mesh_id", meshId(node)),
    literal("istio.namespace", node.namespace),
    ...DRY_RUN_TAGS,
  ];
}

function meshId(node: ProxyNode): string {
  const id = node.metadata["MESH_ID"];
  return typeof id === "string" && id !== "" ? id : "unknown";
}

/** What authorization policies that are only tried out would have decided; empty where there are none. */
const DRY_RUN_TAGS: readonly CustomTag[] = ["allow", "deny"].flatMap((action) => [
  dryRun(`istio.authorization.dry_run.${action}_policy.name`, `istio_dry_run_${action}_shadow_effective_policy_id`),
  dryRun(`istio.authorization.dry_run.${action}_policy.result`, `istio_dry_run_${action}_shadow_engine_result`),
]);

function dryRun(tag: string, key: string): CustomTag {
  return customTag(tag, {
    case: "metadata",
    value: {
      kind: { kind: { case: "request", value: {} } },
      metadataKey: { key: "envoy.filters.http.rbac", path: [{ segment: { case: "key", value: key } }] },
    },
  });
}

function configuredTags(settings: TracingConfig): readonly CustomTag[] {
  return Object.entries(settings?.customTags ?? {}).flatMap(([tag, { literal: fixed, environment, header }]) => {
    if (fixed !== undefined) return [literal(tag, fixed.value ?? "")];
    if (environment !== undefined) return [customTag(tag, { case: "environment", value: withDefault(environment) })];
    return header === undefined ? [] : [customTag(tag, { case: "requestHeader", value: withDefault(header) })];
  });
}

function withDefault({ name = "", defaultValue = "" }: { readonly name?: string | undefined; readonly defaultValue?: string | undefined }) {
  return { name, defaultValue };
}

function literal(tag: string, value: string): CustomTag {
  return customTag(tag, { case: "literal", value: { value } });
}

function customTag(tag: string, type: NonNullable<MessageInitShape<typeof CustomTagSchema>["type"]>): CustomTag {
  return create(CustomTagSchema, { tag, type });
}
