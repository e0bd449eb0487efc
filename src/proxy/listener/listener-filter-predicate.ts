// ListenerFilterChainMatchPredicate: when a listener filter is left out. Istio switches inspection off for ports whose protocol it knows.
import type { ListenerFilterChainMatchPredicate } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";

/** Asked with the destination port, as far as earlier filters have restored it. */
export type PortPredicate = (port: number) => boolean;

export function compilePredicate(
  wire: ListenerFilterChainMatchPredicate,
  path: string,
  report: (path: string, message: string) => void,
): PortPredicate {
  const all = (rules: readonly ListenerFilterChainMatchPredicate[], field: string): PortPredicate[] => {
    if (rules.length < 2) report(`${path}.${field}.rules`, "must hold at least two rules");
    return rules.map((rule, at) => compilePredicate(rule, `${path}.${field}.rules[${at}]`, report));
  };
  const { rule } = wire;
  switch (rule.case) {
    case "orMatch": {
      const rules = all(rule.value.rules, "or_match");
      return (port) => rules.some((matches) => matches(port));
    }
    case "andMatch": {
      const rules = all(rule.value.rules, "and_match");
      return (port) => rules.every((matches) => matches(port));
    }
    case "notMatch": {
      const matches = compilePredicate(rule.value, `${path}.not_match`, report);
      return (port) => !matches(port);
    }
    case "anyMatch":
      if (!rule.value) report(`${path}.any_match`, "must be true");
      return () => true;
    case "destinationPortRange": {
      const { start, end } = rule.value;
      if (start >= end) report(`${path}.destination_port_range`, `from ${start} to below ${end}: no port is in it`);
      return (port) => port >= start && port < end;
    }
    case undefined:
      report(path, "a rule must be set");
      return () => false;
  }
}
