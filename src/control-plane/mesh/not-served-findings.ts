// What is valid and of no effect as a whole: Gateway servers that proxies cannot open yet, VirtualServices that nobody calls. Said at
// the object, because the user finds a closed port or a route that never matches. Pure.
import type { Finding } from "#api/finding";
import type { GatewaySpec } from "#api/gateway";
import { keyOf } from "#api/object";
import type { VirtualServiceSpec } from "#api/virtual-service";
import type { ObjectSet } from "#control-plane/config/object-set";
import { parseProtocol } from "#control-plane/registry/protocol";
import { isHttp } from "#control-plane/registry/service";

export function notServedFindings(objects: ObjectSet): readonly Finding[] {
  const findings: Finding[] = [];
  for (const gateway of objects.list<GatewaySpec>("Gateway")) {
    for (const [index, { port }] of (gateway.spec.servers ?? []).entries()) {
      const protocol = parseProtocol(port.protocol);
      if (isHttp(protocol)) continue;
      const why =
        protocol === "HTTPS" || protocol === "TLS" ? "proxies cannot speak TLS yet" : `gateways cannot serve ${port.protocol} yet`;
      findings.push({
        level: "warning",
        code: "MZ0004",
        object: keyOf(gateway),
        field: `spec.servers[${index}].port.protocol`,
        message: `port ${port.number} is not opened: ${why}`,
        hint: "use protocol HTTP meanwhile",
      });
    }
  }
  for (const virtualService of objects.list<VirtualServiceSpec>("VirtualService")) {
    if ((virtualService.spec.hosts ?? []).length > 0) continue;
    findings.push({
      level: "warning",
      code: "MZ0004",
      object: keyOf(virtualService),
      field: "spec",
      message: "a VirtualService without hosts is a delegate, and delegation does not work yet: its routes are not used",
      hint: "add hosts",
    });
  }
  return findings;
}
