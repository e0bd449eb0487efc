// WorkloadEntry: one instance of an application outside Kubernetes; here also every instance that an agent registers.
import { field, map, message, string, uint32, type Decoded } from "./declaration.ts";

export const workloadEntry = message("WorkloadEntry", {
  address: field(string, "Where it is: an IP address, or a path unix:///..."),
  ports: field(map(uint32), "Ports by the names that services use"),
  labels: field(map(string), "Labels for selectors and subsets"),
  network: field(string, "The network that it is in"),
  locality: field(string, "Where it stands: region/zone/sub-zone"),
  weight: field(uint32, "Its share among the endpoints of a service"),
  serviceAccount: field(string, "The account that it runs as"),
});
export type WorkloadEntrySpec = Decoded<typeof workloadEntry>;
