// ProxyConfig: settings of the proxies themselves.
import { field, int32, message, string, type Decoded } from "#api/declaration";

export const proxyConfig = message("ProxyConfig", {
  concurrency: field(int32, "Traffic threads; 0 for one per core"),
  serviceCluster: field(string, "The name of the proxy's service"),
});
export type ProxyConfig = Decoded<typeof proxyConfig>;
