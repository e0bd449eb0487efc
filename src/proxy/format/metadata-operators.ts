// %METADATA(TYPE:NAMESPACE:KEY:...)% and its older sisters, which have the type in their names.
import { wireText } from "#matcher/wire-text";
import { valueAt } from "#proxy/http/dynamic-metadata";
import type { FilterMetadata, StreamInfo } from "#proxy/http/stream-info";
import type { Operator } from "./operator.ts";

type Source = (info: StreamInfo) => FilterMetadata | undefined;

const SOURCES: ReadonlyMap<string, Source> = new Map<string, Source>([
  ["DYNAMIC", (info) => info.dynamicMetadata],
  ["CLUSTER", clusterMetadata],
  ["UPSTREAM_HOST", (info) => info.upstreamMetadata],
  ["ROUTE", (info) => info.routeMetadata],
  ["VIRTUAL_HOST", (info) => info.virtualHostMetadata],
]);
const TYPE_OF: Readonly<Record<string, string>> = {
  DYNAMIC_METADATA: "DYNAMIC",
  CLUSTER_METADATA: "CLUSTER",
  UPSTREAM_METADATA: "UPSTREAM_HOST",
};

function clusterMetadata(info: StreamInfo): FilterMetadata | undefined {
  if (info.upstreamCluster === undefined) info.clusterSource?.noteCluster();
  return info.clusterMetadata;
}

/** @throws Error saying what is wrong with the argument */
export function metadataOperator(operator: string, argument: string | undefined): Operator {
  const parts = (argument ?? "").split(":");
  const type = TYPE_OF[operator] ?? parts.shift() ?? "";
  const source = SOURCES.get(type);
  if (source === undefined)
    throw new Error(`%${operator}(${argument ?? ""})%: metadata of ${type === "" ? "nothing" : type} is not served`);
  const [namespace = "", ...keys] = parts;
  if (namespace === "")
    throw new Error(`%${operator}% needs a namespace: %${operator}(${operator in TYPE_OF ? "" : "TYPE:"}NAMESPACE:KEY)%`);
  return (info) => {
    const metadata = source(info);
    if (metadata === undefined || !Object.hasOwn(metadata, namespace)) return undefined;
    const value = valueAt(metadata[namespace]!, keys);
    if (value === undefined || typeof value === "number") return value;
    return wireText(typeof value === "string" ? value : JSON.stringify(value));
  };
}
