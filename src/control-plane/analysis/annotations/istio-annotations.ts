// Istio's annotations: how mature each is, and the kinds that it belongs on. The fields are facts of Istio's API.

export interface IstioAnnotation {
  readonly status: "alpha" | "beta" | "stable";
  readonly isDeprecated: boolean;
  /** `Any`: every kind. */
  readonly kinds: readonly string[];
}

const alpha = (...kinds: readonly string[]): IstioAnnotation => ({ status: "alpha", isDeprecated: false, kinds });
const beta = (...kinds: readonly string[]): IstioAnnotation => ({ status: "beta", isDeprecated: false, kinds });
const stable = (...kinds: readonly string[]): IstioAnnotation => ({ status: "stable", isDeprecated: false, kinds });
const deprecated = (annotation: IstioAnnotation): IstioAnnotation => ({ ...annotation, isDeprecated: true });

export const ISTIO_ANNOTATIONS: ReadonlyMap<string, IstioAnnotation> = new Map([
  ["alpha.istio.io/canonical-serviceaccounts", deprecated(alpha("Service"))],
  ["alpha.istio.io/kubernetes-serviceaccounts", deprecated(alpha("Service"))],
  ["ambient.istio.io/bypass-inbound-capture", alpha("Pod")],
  ["ambient.istio.io/dns-capture", alpha("Pod")],
  ["ambient.istio.io/redirection", beta("Pod")],
  ["ambient.istio.io/waypoint-inbound-binding", alpha("GatewayClass", "Gateway")],
  ["galley.istio.io/analyze-suppress", alpha("Any")],
  ["gateway.istio.io/controller-version", alpha("Any")],
  ["gateway.istio.io/name-override", alpha("Gateway")],
  ["gateway.istio.io/service-account", alpha("Gateway")],
  ["inject.istio.io/templates", alpha("Pod")],
  ["istio.io/autoRegistrationGroup", alpha("WorkloadEntry")],
  ["istio.io/connectedAt", alpha("WorkloadEntry")],
  ["istio.io/disconnectedAt", alpha("WorkloadEntry")],
  ["istio.io/dry-run", alpha("AuthorizationPolicy")],
  ["istio.io/reroute-virtual-interfaces", alpha("Pod")],
  ["istio.io/rev", alpha("Pod")],
  ["istio.io/use-waypoint-canary-weight", alpha("Service", "ServiceEntry", "Namespace")],
  ["istio.io/workloadController", alpha("WorkloadEntry")],
  ["kubernetes.io/ingress.class", stable("Ingress")],
  ["networking.istio.io/exportTo", alpha("Service")],
  ["networking.istio.io/service-type", alpha("Gateway")],
  ["networking.istio.io/traffic-distribution", alpha("Namespace", "Service", "ServiceEntry")],
  ["prometheus.istio.io/merge-metrics", alpha("Pod")],
  ["proxy.istio.io/config", beta("Pod")],
  ["proxy.istio.io/overrides", alpha("Pod")],
  ["readiness.status.sidecar.istio.io/applicationPorts", alpha("Pod")],
  ["readiness.status.sidecar.istio.io/failureThreshold", alpha("Pod")],
  ["readiness.status.sidecar.istio.io/initialDelaySeconds", alpha("Pod")],
  ["readiness.status.sidecar.istio.io/periodSeconds", alpha("Pod")],
  ["sidecar.istio.io/agentLogLevel", alpha("Pod")],
  ["sidecar.istio.io/bootstrapOverride", alpha("Pod")],
  ["sidecar.istio.io/componentLogLevel", alpha("Pod")],
  ["sidecar.istio.io/discoveryAddress", deprecated(alpha("Pod"))],
  ["sidecar.istio.io/extraStatTags", deprecated(alpha("Pod"))],
  ["sidecar.istio.io/inject", deprecated(beta("Pod"))],
  ["sidecar.istio.io/interceptionMode", alpha("Pod")],
  ["sidecar.istio.io/logLevel", alpha("Pod")],
  ["sidecar.istio.io/nativeSidecar", alpha("Pod")],
  ["sidecar.istio.io/proxyCPU", alpha("Pod")],
  ["sidecar.istio.io/proxyCPULimit", alpha("Pod")],
  ["sidecar.istio.io/proxyImage", alpha("Pod")],
  ["sidecar.istio.io/proxyImageType", alpha("Pod")],
  ["sidecar.istio.io/proxyMemory", alpha("Pod")],
  ["sidecar.istio.io/proxyMemoryLimit", alpha("Pod")],
  ["sidecar.istio.io/rewriteAppHTTPProbers", alpha("Pod")],
  ["sidecar.istio.io/statsCompression", deprecated(alpha("Pod"))],
  ["sidecar.istio.io/statsEvictionInterval", alpha("Pod")],
  ["sidecar.istio.io/statsFlushInterval", alpha("Pod")],
  ["sidecar.istio.io/statsHistogramBins", alpha("Pod")],
  ["sidecar.istio.io/statsHistogramBuckets", alpha("Pod")],
  ["sidecar.istio.io/statsInclusionPrefixes", deprecated(alpha("Pod"))],
  ["sidecar.istio.io/statsInclusionRegexps", deprecated(alpha("Pod"))],
  ["sidecar.istio.io/statsInclusionSuffixes", deprecated(alpha("Pod"))],
  ["sidecar.istio.io/status", alpha("Pod")],
  ["sidecar.istio.io/userVolume", alpha("Pod")],
  ["sidecar.istio.io/userVolumeMount", alpha("Pod")],
  ["status.sidecar.istio.io/port", alpha("Pod")],
  ["topology.istio.io/controlPlaneClusters", alpha("Namespace")],
  ["traffic.istio.io/nodeSelector", stable("Service")],
  ["traffic.sidecar.istio.io/excludeInboundPorts", alpha("Pod")],
  ["traffic.sidecar.istio.io/excludeInterfaces", alpha("Pod")],
  ["traffic.sidecar.istio.io/excludeOutboundIPRanges", alpha("Pod")],
  ["traffic.sidecar.istio.io/excludeOutboundPorts", alpha("Pod")],
  ["traffic.sidecar.istio.io/includeInboundPorts", alpha("Pod")],
  ["traffic.sidecar.istio.io/includeOutboundIPRanges", alpha("Pod")],
  ["traffic.sidecar.istio.io/includeOutboundPorts", alpha("Pod")],
  ["traffic.sidecar.istio.io/kubevirtInterfaces", deprecated(alpha("Pod"))],
]);

/** Set by Istio itself on what users own. */
export const OWN_ANNOTATIONS: ReadonlySet<string> = new Set([
  "sidecar.istio.io/status",
  "gateway.istio.io/controller-version",
  "istio.io/rev",
]);

export function isIstioAnnotation(name: string): boolean {
  return name === "kubernetes.io/ingress.class" || (name.split("/")[0] ?? "").endsWith("istio.io");
}
