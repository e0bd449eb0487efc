// The destinations that a proxy has clusters for, and what each cluster and load assignment depends on.
import type { ProxyView, ResolvedDestinationRule } from "#control-plane/mesh/mesh";
import type { Service, ServicePort } from "#control-plane/registry/service";

export interface OutboundPort {
  readonly service: Service;
  readonly port: ServicePort;
  readonly rule: ResolvedDestinationRule | undefined;
  /** "" first, for the service as a whole. */
  readonly subsets: readonly string[];
}

export function outboundPorts(view: ProxyView): readonly OutboundPort[] {
  const ports: OutboundPort[] = [];
  for (const service of view.services) {
    const rule = view.destinationRule(service.hostname);
    const subsets = ["", ...(rule?.spec.subsets ?? []).map(({ name }) => name)];
    for (const port of service.ports) {
      if (port.protocol !== "UDP") ports.push({ service, port, rule, subsets });
    }
  }
  return ports;
}

/** Which DestinationRules make up the rule depends on the caller's namespace and labels. */
export function outboundPortKey({ service, port, rule }: OutboundPort): string {
  const rules = rule === undefined ? "" : rule.objects.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`).join(",");
  return `${service.namespace}/${service.hostname} ${port.number} ${port.name} ${rules}`;
}

/** Labels of the subset's endpoints. */
export function subsetLabels(rule: ResolvedDestinationRule | undefined, subset: string): Readonly<Record<string, string>> {
  return rule?.spec.subsets?.find(({ name }) => name === subset)?.labels ?? {};
}
