// WorkloadEntry: one instance of an application outside Kubernetes; here also every instance that an agent registers.
import { field, limited, map, message, string, uint32, type Decoded } from "./declaration.ts";

const fields = {
  address: field(
    limited(string, {
      maxLength: 256,
      rules: [
        {
          rule: 'self.startsWith("unix://") ? (self.substring(7, 8) == "/" || self.substring(7, 8) == "@") : true',
          message: "UDS must be an absolute path or abstract socket",
        },
        { rule: 'self.startsWith("unix://") ? !self.endsWith("/") : true', message: "UDS may not be a dir" },
      ],
    }),
    "Where it is: an IP address, or a path unix:///...",
  ),
  ports: field(
    limited(map(limited(uint32, { rules: [{ rule: "0 < self && self <= 65535", message: "port must be between 1-65535" }] })), {
      maxProperties: 128,
      rules: [
        {
          rule: 'self.all(key, size(key) < 63 && key.matches("^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$"))',
          message: "port name must be valid",
        },
      ],
    }),
    "Ports by the names that services use",
  ),
  labels: field(limited(map(string), { maxProperties: 256 }), "Labels for selectors and subsets"),
  network: field(limited(string, { maxLength: 2048 }), "The network that it is in"),
  locality: field(limited(string, { maxLength: 2048 }), "Where it stands: region/zone/sub-zone"),
  weight: field(uint32, "Its share among the endpoints of a service"),
  serviceAccount: field(limited(string, { maxLength: 253 }), "The account that it runs as"),
};

/** The template of a WorkloadGroup: the address comes with the registration. */
export const workloadTemplate = limited(message("WorkloadEntry", fields), {
  rules: [
    {
      rule: '(has(self.address) ? self.address : "").startsWith("unix://") ? !has(self.ports) : true',
      message: "UDS may not include ports",
    },
  ],
});

export const workloadEndpoint = limited(workloadTemplate, {
  rules: [{ rule: "has(self.address) || has(self.network)", message: "Address is required" }],
});

export type WorkloadEntrySpec = Decoded<typeof workloadEndpoint>;
