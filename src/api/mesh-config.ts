// MeshConfig: what applies to the whole mesh.
import { duration, enumeration, field, int32, message, string, type Decoded } from "./declaration.ts";
import { proxyConfig } from "./mesh-config/proxy-config.ts";
import { httpRetry } from "./virtual-service/http-retry.ts";

export type { ProxyConfig } from "./mesh-config/proxy-config.ts";

export const meshConfig = message("MeshConfig", {
  proxyHttpPort: field(int32, "The port of the sidecars' HTTP proxy listener; 0 for none"),
  connectTimeout: field(duration, "Time to set up a connection where no DestinationRule says otherwise"),
  rootNamespace: field(string, "The namespace whose configuration counts for all"),
  trustDomain: field(string, "The mesh's trust domain"),
  accessLogFile: field(string, "Where proxies write access logs; empty for nowhere"),
  accessLogFormat: field(string, "The form of an access log line; empty for the default"),
  accessLogEncoding: field(enumeration(["TEXT", "JSON"]), "Whether access logs are lines of text or of JSON"),
  defaultHttpRetryPolicy: field(httpRetry, "Retries where no route says otherwise"),
  outboundTrafficPolicy: field(
    message("OutboundTrafficPolicy", {
      mode: field(enumeration({ REGISTRY_ONLY: 0, ALLOW_ANY: 1 }), "Whether unknown hosts may be called"),
    }),
    "What happens to calls of hosts that nobody declared",
  ),
  defaultConfig: field(proxyConfig, "Settings of the proxies"),
});
export type MeshConfigSpec = Decoded<typeof meshConfig>;
