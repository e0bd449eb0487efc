// PeerAuthentication: whether calls between workloads must be mutual TLS.
import { enumeration, field, limited, map, message, type Decoded } from "./declaration.ts";
import { workloadSelector } from "./selector.ts";

const mutualTls = message("MutualTLS", {
  mode: field(enumeration(["UNSET", "DISABLE", "PERMISSIVE", "STRICT"]), "Whether plain text is taken, TLS is taken, or both"),
});

export const peerAuthentication = limited(
  message("PeerAuthentication", {
    selector: field(workloadSelector, "Workloads that it is for; without any all of the namespace, or of the mesh in the root namespace"),
    mtls: field(mutualTls, "Mutual TLS at all ports"),
    portLevelMtls: field(
      limited(map(mutualTls), {
        minProperties: 1,
        rules: [{ rule: "self.all(key, 0 < int(key) && int(key) <= 65535)", message: "port must be between 1-65535" }],
      }),
      "Mutual TLS at single ports of the workload",
    ),
  }),
  {
    rules: [
      {
        rule: "has(self.portLevelMtls) ? (((has(self.selector) && has(self.selector.matchLabels)) ? self.selector.matchLabels : {}).size() > 0) : true",
        message: "portLevelMtls requires selector",
      },
    ],
  },
);
export type PeerAuthenticationSpec = Decoded<typeof peerAuthentication>;
