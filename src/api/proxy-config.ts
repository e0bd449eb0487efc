// ProxyConfig as an object of its own: settings of the proxies of some workloads. MeshConfig's defaultConfig is another, larger one.
import { field, int32, limited, map, message, string, wrapped, type Decoded } from "./declaration.ts";
import { workloadSelector } from "./selector.ts";

export const proxyConfigObject = message("ProxyConfig", {
  selector: field(workloadSelector, "Workloads that it is for; without any all of the namespace"),
  concurrency: field(wrapped(limited(int32, { minimum: 0 })), "Traffic threads; 0 for one per core"),
  environmentVariables: field(map(limited(string, { maxLength: 2048 })), "Environment of the proxy"),
  image: field(message("ProxyImage", { imageType: field(string, "The variant: default, distroless, ...") }), "The proxy's image"),
});
export type ProxyConfigObjectSpec = Decoded<typeof proxyConfigObject>;
