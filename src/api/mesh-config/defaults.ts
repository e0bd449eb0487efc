// What MeshConfig is where nothing is written: Istio's defaults, as far as validation needs them to see a whole.
import type { MeshConfigSpec } from "#api/mesh-config";
import type { ProxyConfig } from "./proxy-config.ts";

const proxyDefaults: ProxyConfig = {
  configPath: "./etc/istio/proxy",
  binaryPath: "/usr/local/bin/envoy",
  drainDuration: 45_000,
  terminationDrainDuration: 5000,
  discoveryAddress: "istiod.istio-system.svc:15012",
  proxyAdminPort: 15_000,
  controlPlaneAuthPolicy: "MUTUAL_TLS",
  statusPort: 15_020,
};

const defaults: MeshConfigSpec = {
  proxyListenPort: 15_001,
  connectTimeout: 10_000,
  protocolDetectionTimeout: 0,
  trustDomain: "cluster.local",
};

export function withDefaults(written: MeshConfigSpec): MeshConfigSpec {
  const proxy = written.defaultConfig;
  const named = proxy?.serviceCluster !== undefined || proxy?.tracingServiceName !== undefined;
  return {
    ...defaults,
    ...written,
    defaultConfig: { ...proxyDefaults, ...(named ? {} : { serviceCluster: "istio-proxy" }), ...proxy },
  };
}
