// A TCP connection says only the address that it goes to: a ServiceEntry with such a port needs one of its own.
import type { MeshConfigSpec } from "#api/mesh-config";
import type { Analyzer } from "#control-plane/analysis/analyzer";
import { MESSAGES } from "#control-plane/analysis/messages";

const ALLOCATING = ["ISTIO_META_DNS_AUTO_ALLOCATE", "PILOT_ENABLE_IP_AUTOALLOCATE"];

export const serviceEntryAddressesAnalyzer: Analyzer = {
  name: "serviceentry.Analyzer",
  description: "ServiceEntries with TCP ports have addresses",
  inputs: ["ServiceEntry", "MeshConfig"],
  analyze: ({ objects, meshConfig, report }) => {
    if (allocatesAddresses(meshConfig)) return;
    for (const entry of objects.list("ServiceEntry")) {
      if ((entry.spec.addresses ?? []).length > 0 || (entry.status.addresses ?? []).length > 0) continue;
      for (const [index, port] of (entry.spec.ports ?? []).entries()) {
        const protocol = port?.protocol ?? "";
        if (protocol !== "" && protocol.toUpperCase() !== "TCP") continue;
        const field = `spec.ports[${index}].name`;
        const hint = "add addresses, or the port's protocol if it is another one";
        report(entry, MESSAGES.ServiceEntryAddressesRequired, [], port?.name === undefined ? { near: field, hint } : { field, hint });
      }
    }
  },
};

function allocatesAddresses({ defaultConfig }: MeshConfigSpec): boolean {
  const metadata = defaultConfig?.proxyMetadata ?? {};
  return metadata["ISTIO_META_DNS_CAPTURE"] === "true" && ALLOCATING.some((name) => metadata[name] === "true");
}
