// What is valid and of no effect as a whole: VirtualServices that nobody calls. Said at the object, because the user finds a route that
// never matches. Pure.
import type { Finding } from "#api/finding";
import { keyOf } from "#api/object";
import type { VirtualServiceSpec } from "#api/virtual-service";
import type { ObjectSet } from "#control-plane/config/object-set";

export function notServedFindings(objects: ObjectSet): readonly Finding[] {
  const findings: Finding[] = [];
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
