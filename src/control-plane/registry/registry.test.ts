import { registryConformance } from "./registry.conformance.ts";
import { kubernetesBench, serviceEntryBench } from "./testing.ts";

registryConformance("Services and EndpointSlices", kubernetesBench);
registryConformance("ServiceEntries and WorkloadEntries", serviceEntryBench);
