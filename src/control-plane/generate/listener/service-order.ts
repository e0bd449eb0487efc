// The order in which services claim a listener: the oldest first, as in istiod; ties by name, then namespace.
import type { Service } from "#control-plane/registry/service";

export function oldestFirst(services: readonly Service[]): readonly Service[] {
  return services.toSorted(
    (a, b) =>
      compare(a.creationTimestamp, b.creationTimestamp) ||
      compare(a.name, b.name) ||
      compare(a.namespace, b.namespace) ||
      compare(a.hostname, b.hostname),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
