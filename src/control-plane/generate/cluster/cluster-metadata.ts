// What a cluster says of where it came from, for telemetry and for Istio's own filters.
import type { JsonObject } from "@bufbuild/protobuf";
import type { Metadata } from "#envoy/gen/envoy/config/core/v3/base_pb";
import type { ClientTLSSettings } from "#api/destination-rule";
import type { ApiObject } from "#api/object";
import { configPath, istioMetadata } from "#control-plane/generate/istio-metadata";
import type { Service } from "#control-plane/registry/service";

export interface ClusterMetadataInputs {
  readonly services: readonly Service[];
  /** The DestinationRule that counts. */
  readonly rule?: ApiObject | undefined;
  readonly subset?: string;
  readonly external?: boolean;
  readonly tls?: ClientTLSSettings | undefined;
}

export function clusterMetadata({ services, rule, subset = "", external = false, tls }: ClusterMetadataInputs): Metadata {
  const fields: JsonObject = {
    // A ServiceEntry's name says nothing about the service: its host does.
    services: services.map(({ hostname, name, namespace, source }) => ({
      host: hostname,
      name: source === "Service" ? name : hostname,
      namespace,
    })),
  };
  if (rule !== undefined) fields["config"] = configPath(rule);
  if (subset !== "") fields["subset"] = subset;
  if (external) fields["external"] = true;
  // Istio's ALPN filter names the mesh's own protocols; a server that the application's TLS is for would refuse them.
  if (tls?.mode === "SIMPLE" || tls?.mode === "MUTUAL") fields["alpn_override"] = "false";
  return istioMetadata(fields);
}
