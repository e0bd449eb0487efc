// Every destination of a VirtualService, with the field where its host stands.
import type { Destination, VirtualServiceSpec } from "#api/virtual-service";
import type { Written } from "#control-plane/analysis/specs";

export interface FoundDestination {
  readonly destination: Written<Destination>;
  readonly field: string;
  readonly isMirror: boolean;
}

export function* destinationsOf(spec: Written<VirtualServiceSpec>): Iterable<FoundDestination> {
  for (const protocol of ["tcp", "tls", "http"] as const) {
    for (const [index, rule] of (spec[protocol] ?? []).entries()) {
      for (const [number, route] of (rule?.route ?? []).entries()) {
        const field = `spec.${protocol}[${index}].route[${number}].destination`;
        yield { destination: route?.destination ?? {}, field, isMirror: false };
      }
    }
  }
  for (const [index, rule] of (spec.http ?? []).entries()) {
    if (rule?.mirror !== undefined) yield { destination: rule.mirror, field: `spec.http[${index}].mirror`, isMirror: true };
    for (const [number, mirror] of (rule?.mirrors ?? []).entries()) {
      yield { destination: mirror?.destination ?? {}, field: `spec.http[${index}].mirrors[${number}].destination`, isMirror: true };
    }
  }
}
