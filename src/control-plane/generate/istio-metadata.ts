// What Istio's own tools read from generated resources: which object a part came from, as a config path.
import { create, type JsonObject } from "@bufbuild/protobuf";
import { MetadataSchema, type Metadata } from "#envoy/gen/envoy/config/core/v3/base_pb";
import type { ApiObject } from "#api/object";

function kebab(kind: string): string {
  return kind.replaceAll(/(?!^)([A-Z])/gu, "-$1").toLowerCase();
}

/** `/apis/networking.istio.io/v1/namespaces/default/virtual-service/reviews` */
export function configPath(object: ApiObject): string {
  // Istio prints the version that it stores, whatever version the object was written in.
  const group = object.apiVersion.slice(0, object.apiVersion.indexOf("/"));
  return `/apis/${group}/v1/namespaces/${object.metadata.namespace}/${kebab(object.kind)}/${object.metadata.name}`;
}

export function istioMetadata(fields: JsonObject): Metadata {
  return create(MetadataSchema, { filterMetadata: { istio: fields } });
}
