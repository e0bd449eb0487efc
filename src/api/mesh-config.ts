// MeshConfig: what applies to the whole mesh.
import { bool, duration, enumeration, field, int32, later, message, repeated, string, type Decoded } from "./declaration.ts";
import { outlierDetection } from "./destination-rule.ts";
import { clientTlsSettings } from "./destination-rule/client-tls.ts";
import { connectionPoolSettings, tcpKeepalive } from "./destination-rule/connection-pool.ts";
import { localityLbSetting, zoneAwareLbSetting } from "./destination-rule/load-balancer.ts";
import { extensionProvider } from "./mesh-config/extension-provider.ts";
import { labelSelector } from "./mesh-config/label-selector.ts";
import { proxyConfig } from "./mesh-config/proxy-config.ts";
import { httpRetry } from "./virtual-service/http-retry.ts";

export type { ProxyConfig } from "./mesh-config/proxy-config.ts";

const tlsConfig = message("TLSConfig", {
  minProtocolVersion: field(enumeration(["TLS_AUTO", "TLSV1_2", "TLSV1_3"]), "The oldest TLS version"),
  ecdhCurves: field(repeated(string), "Curves that are offered"),
  cipherSuites: field(repeated(string), "Cipher suites that are offered"),
});

const visibility = enumeration(["VISIBILITY_UNSPECIFIED", "NONE", "NAMESPACE", "PUBLIC"]);

const serviceEntryVisibility = message("ServiceEntryVisibility", {
  defaultVisibility: field(visibility, "Where no policy matches"),
  applyToSidecars: field(bool, "Whether it counts for sidecars, too"),
  policies: field(
    repeated(
      message("Policy", {
        visibility: field(visibility, "Who sees it"),
        matchingRules: field(repeated(message("MatchRule", { namespaceSelector: field(labelSelector, "Namespaces") })), "What it is for"),
      }),
    ),
    "Who sees which",
  ),
});

const outboundTrafficPolicy = message("OutboundTrafficPolicy", {
  mode: field(enumeration({ REGISTRY_ONLY: 0, ALLOW_ANY: 1, ALLOW_ANY_DYNAMIC_DNS: 3 }), "Whether unknown hosts may be called"),
  tls: later(clientTlsSettings, "TLS towards unknown hosts"),
});

export const meshConfig = message("MeshConfig", {
  proxyListenPort: field(int32, "Where captured calls of the application arrive"),
  proxyInboundListenPort: field(int32, "Where captured calls to the application arrive"),
  proxyHttpPort: field(int32, "The port of the sidecars' HTTP proxy listener; 0 for none"),
  connectTimeout: field(duration, "Time to set up a connection where no DestinationRule says otherwise"),
  hboneIdleTimeout: later(duration, "Idle time after which a tunnel is closed"),
  protocolDetectionTimeout: field(duration, "How long the first bytes are waited for when the protocol is not known"),
  tcpKeepalive: field(tcpKeepalive, "Keep-alive probes of the operating system"),
  ingressClass: field(string, "The class of Ingress resources that count"),
  ingressService: field(string, "The Service of the ingress controller"),
  ingressControllerMode: field(enumeration(["UNSPECIFIED", "OFF", "DEFAULT", "STRICT"]), "Which Ingress resources count"),
  ingressSelector: field(string, "The label istio of the gateways for Ingress resources"),
  enableTracing: field(bool, "Whether spans are made"),
  accessLogFile: field(string, "Where proxies write access logs; empty for nowhere"),
  accessLogFormat: field(string, "The form of an access log line; empty for the default"),
  accessLogEncoding: field(enumeration(["TEXT", "JSON"]), "Whether access logs are lines of text or of JSON"),
  enableEnvoyAccessLogService: later(bool, "Whether access logs are sent by gRPC"),
  disableEnvoyListenerLog: field(bool, "Whether listeners write no access log"),
  defaultConfig: field(proxyConfig, "Settings of the proxies"),
  outboundTrafficPolicy: field(outboundTrafficPolicy, "What happens to calls of hosts that nobody declared"),
  inboundTrafficPolicy: field(
    message("InboundTrafficPolicy", { mode: field(enumeration(["PASSTHROUGH", "LOCALHOST"]), "Where they go") }),
    "Where calls to the application go",
  ),
  configSources: later(
    repeated(
      message("ConfigSource", {
        address: field(string, "Its address"),
        tlsSettings: field(clientTlsSettings, "TLS towards it"),
        subscribedResources: field(repeated(enumeration(["SERVICE_REGISTRY"])), "What is read"),
      }),
    ),
    "Where configuration comes from",
  ),
  enableAutoMtls: field(bool, "Whether mutual TLS is used where both sides can"),
  trustDomain: field(string, "The mesh's trust domain"),
  trustDomainAliases: field(repeated(string), "Other names of the trust domain"),
  caCertificates: later(
    repeated(
      message(
        "CertificateData",
        {
          pem: field(string, "The certificate"),
          spiffeBundleUrl: field(string, "Where a bundle is served"),
          certSigners: field(repeated(string), "The signers that it is for"),
          trustDomains: field(repeated(string), "The trust domains that it is for"),
        },
        [["pem", "spiffeBundleUrl"]],
      ),
    ),
    "More trusted authorities",
  ),
  defaultServiceExportTo: field(repeated(string), "exportTo of services that have none"),
  defaultVirtualServiceExportTo: field(repeated(string), "exportTo of VirtualServices that have none"),
  defaultDestinationRuleExportTo: field(repeated(string), "exportTo of DestinationRules that have none"),
  rootNamespace: field(string, "The namespace whose configuration counts for all"),
  localityLbSetting: field(localityLbSetting, "Preference for near endpoints"),
  zoneAwareLbSetting: later(zoneAwareLbSetting, "Preference for endpoints of the own zone"),
  dnsRefreshRate: field(duration, "How often names are looked up"),
  h2UpgradePolicy: field(enumeration(["DO_NOT_UPGRADE", "UPGRADE"]), "Whether HTTP/1.1 goes on as HTTP/2"),
  inboundClusterStatName: field(string, "How statistics call inbound clusters"),
  outboundClusterStatName: field(string, "How statistics call outbound clusters"),
  certificates: later(
    repeated(
      message("Certificate", {
        secretName: field(string, "The Secret that it goes into"),
        dnsNames: field(repeated(string), "Its names"),
      }),
    ),
    "Not used by Istio",
  ),
  serviceSettings: field(
    repeated(
      message("ServiceSettings", {
        settings: field(message("Settings", { clusterLocal: field(bool, "Whether calls stay in the cluster") }), "What applies"),
        hosts: field(repeated(string), "The services that it is for"),
      }),
    ),
    "Settings of single services",
  ),
  serviceScopeConfigs: later(
    repeated(
      message("ServiceScopeConfigs", {
        namespaceSelector: field(labelSelector, "Namespaces"),
        servicesSelector: field(labelSelector, "Services"),
        scope: field(enumeration(["LOCAL", "GLOBAL"]), "Whether other clusters see them"),
      }),
    ),
    "Which services other clusters see",
  ),
  enablePrometheusMerge: later(bool, "Whether the application's metrics are served together with the proxy's"),
  verifyCertificateAtClient: later(bool, "Whether certificates of servers outside the mesh are checked"),
  ca: later(
    message("CA", {
      address: field(string, "Its address"),
      tlsSettings: field(clientTlsSettings, "TLS towards it"),
      requestTimeout: field(duration, "The time that a request may take"),
      istiodSide: field(bool, "Whether the control plane asks it, not the agents"),
    }),
    "A certificate authority outside the mesh",
  ),
  extensionProviders: later(repeated(extensionProvider), "Services that other resources refer to by name"),
  defaultProviders: field(
    message("DefaultProviders", {
      tracing: later(repeated(string), "For tracing"),
      metrics: field(repeated(string), "For metrics"),
      accessLogging: later(repeated(string), "For access logs"),
    }),
    "Providers where no resource names one",
  ),
  discoverySelectors: field(repeated(labelSelector), "Namespaces that count"),
  pathNormalization: field(
    message("ProxyPathNormalization", {
      normalization: field(enumeration(["DEFAULT", "NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"]), "How far it goes"),
    }),
    "How paths are brought into one form",
  ),
  defaultHttpRetryPolicy: field(httpRetry, "Retries where no route says otherwise"),
  defaultInboundHttpRetryPolicy: field(httpRetry, "Retries of calls to the own application"),
  meshMTLS: field(tlsConfig, "TLS within the mesh"),
  tlsDefaults: field(tlsConfig, "TLS with others"),
  defaultTrafficPolicy: field(
    message("DefaultTrafficPolicy", {
      connectionPool: field(connectionPoolSettings, "Limits of connections and requests"),
      outlierDetection: field(outlierDetection, "When endpoints that fail are left out for a while"),
    }),
    "Settings of destinations where no DestinationRule says otherwise",
  ),
  serviceEntryVisibility: field(serviceEntryVisibility, "Who sees ServiceEntries"),
});
export type MeshConfigSpec = Decoded<typeof meshConfig>;
