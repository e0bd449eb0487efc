// ProxyConfig: settings of the proxies themselves.
import { bool, duration, enumeration, field, int32, later, map, message, repeated, string, uint32, type Decoded } from "#api/declaration";
import { clientTlsSettings } from "#api/destination-rule/client-tls";
import { tcpKeepalive } from "#api/destination-rule/connection-pool";
import { readinessProbe } from "#api/workload-group";
import { connectionSettings } from "./connection-settings.ts";
import { forwardClientCertDetails, proxyHeaders } from "./proxy-headers.ts";
import { tracing } from "./tracing.ts";

const remoteService = message("RemoteService", {
  address: field(string, "Its address"),
  tlsSettings: field(clientTlsSettings, "TLS towards it"),
  tcpKeepalive: field(tcpKeepalive, "Keep-alive probes of the operating system"),
});

const privateKeyProvider = message("PrivateKeyProvider", {
  pollDelay: field(duration, "How long operations are gathered"),
  fallback: field(bool, "Whether software does it where the hardware is missing"),
});

export const proxyConfig = message(
  "ProxyConfig",
  {
    configPath: later(string, "Where the proxy's own configuration is written"),
    binaryPath: later(string, "The proxy's program"),
    serviceCluster: later(string, "The name of the proxy's service"),
    tracingServiceName: later(
      enumeration(["APP_LABEL_AND_NAMESPACE", "CANONICAL_NAME_ONLY", "CANONICAL_NAME_AND_NAMESPACE"]),
      "How spans call the service",
    ),
    drainDuration: later(duration, "How long connections are drained"),
    discoveryAddress: later(string, "Where the control plane is; the embedded mesh knows it"),
    discoveryRefreshDelay: later(duration, "Not used by Istio"),
    zipkinAddress: later(string, "A Zipkin collector; tracing replaces it"),
    statsdUdpAddress: later(string, "Where statistics are sent by UDP"),
    envoyMetricsServiceAddress: later(string, "Where statistics are sent; envoyMetricsService replaces it"),
    proxyAdminPort: later(int32, "The port of the admin endpoint"),
    availabilityZone: later(string, "The zone"),
    controlPlaneAuthPolicy: later(
      enumeration({ NONE: 0, MUTUAL_TLS: 1, INHERIT: 1000 }),
      "How the proxy proves itself to the control plane",
    ),
    customConfigFile: later(string, "A configuration that replaces the generated one"),
    statNameLength: later(int32, "The length of names in statistics"),
    concurrency: later(int32, "Traffic threads; 0 for one per core"),
    proxyBootstrapTemplatePath: later(string, "A template for the proxy's bootstrap"),
    interceptionMode: later(enumeration(["REDIRECT", "TPROXY", "NONE"]), "How traffic gets into the sidecar"),
    tracing: field(tracing, "Where spans go"),
    sds: later(
      message("SDS", { enabled: field(bool, "Whether it is used"), k8sSaJwtPath: field(string, "A file with a token") }),
      "Not used by Istio",
    ),
    envoyAccessLogService: later(remoteService, "Where access logs are sent"),
    envoyMetricsService: later(remoteService, "Where statistics are sent"),
    proxyMetadata: later(map(string), "Environment of the proxy"),
    runtimeValues: later(map(string), "Envoy's runtime values"),
    statusPort: later(int32, "The port of the agent's health endpoint"),
    extraStatTags: later(repeated(string), "More tags of statistics"),
    gatewayTopology: field(
      message("Topology", {
        numTrustedProxies: field(uint32, "Trusted proxies in front of the gateway"),
        forwardClientCertDetails: field(forwardClientCertDetails, "What happens to x-forwarded-client-cert"),
        proxyProtocol: field(message("ProxyProtocolConfiguration", {}), "Whether PROXY protocol is understood"),
      }),
      "What stands in front of a gateway",
    ),
    terminationDrainDuration: later(duration, "Time that connections have when the proxy ends"),
    meshId: later(string, "The mesh's id"),
    readinessProbe: later(readinessProbe, "How the application's health is found out"),
    proxyStatsMatcher: later(
      message("ProxyStatsMatcher", {
        inclusionPrefixes: field(repeated(string), "What names begin with"),
        inclusionSuffixes: field(repeated(string), "What names end with"),
        inclusionRegexps: field(repeated(string), "Expressions for names"),
      }),
      "Which statistics are kept",
    ),
    holdApplicationUntilProxyStarts: later(bool, "Whether the application waits for its sidecar"),
    caCertificatesPem: later(repeated(string), "More trusted authorities"),
    image: later(message("ProxyImage", { imageType: field(string, "The variant") }), "The proxy's image"),
    privateKeyProvider: later(
      message(
        "PrivateKeyProvider",
        { cryptomb: field(privateKeyProvider, "Multi-buffer instructions"), qat: field(privateKeyProvider, "QuickAssist") },
        [["cryptomb", "qat"]],
      ),
      "Hardware for private keys",
    ),
    proxyHeaders: field(proxyHeaders, "Headers that the proxies add"),
    fileFlushInterval: later(duration, "How often log files are written"),
    fileFlushMinSizeKb: later(uint32, "How much a log file gathers before it is written"),
    statsCompression: later(bool, "Whether statistics are served compressed"),
    connectionSettings: field(connectionSettings, "Limits of the connections that callers open"),
  },
  [["serviceCluster", "tracingServiceName"]],
);
export type ProxyConfig = Decoded<typeof proxyConfig>;
