// envoy.filters.network.rbac: connections that the rules deny are closed; shadow rules are only counted. Decided when the connection is
// there, with its handshake done, where Envoy waits for its first byte; nothing that happens later could change that, so that CONTINUOUS is decided once, too.
import { RBACSchema } from "#envoy/gen/envoy/extensions/filters/network/rbac/v3/rbac_pb";
import type { RBAC } from "#envoy/gen/envoy/config/rbac/v3/rbac_pb";
import type { Matcher } from "#envoy/gen/xds/type/matcher/v3/matcher_pb";
import { compileMatcherRules } from "#proxy/rbac/matcher-rules";
import type { ConnectionFilterFactory, NetworkFilterCompiler } from "#proxy/listener/network-filter";
import { compileConnectionRules } from "#proxy/rbac/connection-rules";
import type { ConnectionRules } from "#proxy/rbac/connection-rules";
import { unpackConfig } from "#proxy/unpack-config";

export const networkRbacCompiler: NetworkFilterCompiler = {
  configTypes: [RBACSchema.typeName],
  compile(_name, any, path, thread): ConnectionFilterFactory {
    let rules: ConnectionRules | undefined;
    let shadowRules: ConnectionRules | undefined;
    const wire = unpackConfig(any, RBACSchema, path, (config, refuse) => {
      if (config.statPrefix === "") refuse("stat_prefix", "must not be empty");
      const compile = (one: RBAC | undefined, field: string): ConnectionRules | undefined =>
        one === undefined ? undefined : compileConnectionRules(one, field, refuse, field === "shadow_rules");
      const compileTree = (tree: Matcher | undefined, field: string): ConnectionRules | undefined =>
        tree === undefined ? undefined : compileMatcherRules(tree, field, refuse, field === "shadow_matcher");
      // As in Envoy, where there is a matcher the rules are passed over.
      rules = compileTree(config.matcher, "matcher") ?? compile(config.rules, "rules");
      shadowRules = compileTree(config.shadowMatcher, "shadow_matcher") ?? compile(config.shadowRules, "shadow_rules");
    });
    if (thread === undefined) return { onNewConnection: () => "continue" };
    // A prefix may bring its own dot: Istio's is "tcp.".
    const withoutDot = (prefix: string): string => prefix.replace(/\.$/, "");
    const scope = thread.stats.scope(withoutDot(wire.statPrefix), "rbac");
    const shadow = wire.shadowRulesStatPrefix === "" ? scope : scope.scope(withoutDot(wire.shadowRulesStatPrefix));
    const allowed = scope.counter("allowed");
    const denied = scope.counter("denied");
    const shadowAllowed = shadow.counter("shadow_allowed");
    const shadowDenied = shadow.counter("shadow_denied");
    return {
      onNewConnection({ info }) {
        if (shadowRules !== undefined) (shadowRules(info) ? shadowAllowed : shadowDenied).inc();
        if (rules === undefined) return "continue";
        if (rules(info)) {
          allowed.inc();
          return "continue";
        }
        denied.inc();
        return "close";
      },
      release: () => scope.release(),
    };
  },
};
