// config.rbac.v3.RBAC over what is known of a connection. Rules that look at requests (headers, paths) or at CEL expressions are refused by
// name.
import type { CidrRange } from "#envoy/gen/envoy/config/core/v3/address_pb";
import { RBAC_Action as Action } from "#envoy/gen/envoy/config/rbac/v3/rbac_pb";
import type { Permission, Principal, RBAC } from "#envoy/gen/envoy/config/rbac/v3/rbac_pb";
import type { MetadataMatcher } from "#envoy/gen/envoy/type/matcher/v3/metadata_pb";
import { compileAddressRanges } from "#matcher/cidr";
import { compileMetadataMatcher } from "#matcher/metadata-matcher";
import { compileStringMatcher } from "#matcher/string-matcher";
import type { ReportViolation } from "#matcher/string-matcher";
import { isPipe } from "#proxy/net/socket-address";
import type { ConnectionInfo, SocketAddress } from "#proxy/net/connection";

/** True: the connection may go on. */
export type ConnectionRules = (info: ConnectionInfo) => boolean;

type Test = (info: ConnectionInfo) => boolean;

const NEVER: Test = () => false;
const ALWAYS: Test = () => true;

/** `shadow`: they leave nothing behind. */
export function compileConnectionRules(wire: RBAC, path: string, report: ReportViolation, shadow = false): ConnectionRules {
  const policies = Object.entries(wire.policies).map(([name, policy]): Test => {
    const at = `${path}.policies[${JSON.stringify(name)}]`;
    if (policy.permissions.length === 0) report(`${at}.permissions`, "must not be empty");
    if (policy.principals.length === 0) report(`${at}.principals`, "must not be empty");
    const permissions = policy.permissions.map((one, index) => compilePermission(one, `${at}.permissions[${index}]`, report));
    const principals = policy.principals.map((one, index) => compilePrincipal(one, `${at}.principals[${index}]`, report));
    return (info) => permissions.some((test) => test(info)) && principals.some((test) => test(info));
  });
  switch (wire.action) {
    case Action.ALLOW:
      return (info) => policies.some((test) => test(info));
    case Action.DENY:
      return (info) => !policies.some((test) => test(info));
    case Action.LOG:
      return (info) => {
        const hint = policies.some((test) => test(info));
        if (!shadow) setAccessLogHint(info, hint);
        return true;
      };
    default:
      report(`${path}.action`, `${String(wire.action satisfies never)} is not known`);
      return NEVER;
  }
}

/** For access logs that look at it. */
export function setAccessLogHint(info: ConnectionInfo, hint: boolean): void {
  info.dynamicMetadata = { ...info.dynamicMetadata, "envoy.common": { access_log_hint: hint } };
}

function compilePermission({ rule }: Permission, path: string, report: ReportViolation): Test {
  switch (rule.case) {
    case "any":
      return ALWAYS;
    case "andRules":
    case "orRules": {
      const field = rule.case === "andRules" ? "and_rules" : "or_rules";
      const tests = rule.value.rules.map((one, index) => compilePermission(one, `${path}.${field}.rules[${index}]`, report));
      if (tests.length === 0) report(`${path}.${field}.rules`, "must not be empty");
      return rule.case === "andRules" ? every(tests) : some(tests);
    }
    case "notRule":
      return not(compilePermission(rule.value, `${path}.not_rule`, report));
    case "destinationIp":
      return inRange(rule.value, ({ local }) => local, `${path}.destination_ip`, report);
    case "destinationPort": {
      const port = rule.value;
      if (port > 65_535) report(`${path}.destination_port`, `${port} is no port`);
      return ({ local }) => !isPipe(local) && local.port === port;
    }
    case "destinationPortRange": {
      const { start, end } = rule.value;
      if (start < 0 || end > 65_536 || start >= end)
        report(`${path}.destination_port_range`, `from ${start} to below ${end} there are no ports`);
      return ({ local }) => !isPipe(local) && local.port >= start && local.port < end;
    }
    case "requestedServerName": {
      const matcher = compileStringMatcher(rule.value, `${path}.requested_server_name`, report);
      return ({ requestedServerName }) => matcher.matches(requestedServerName ?? "");
    }
    case "metadata":
      return ofMetadata(rule.value, `${path}.metadata`, report);
    case "header":
    case "urlPath":
    case "matcher":
    case "uriTemplate":
      report(`${path}.${protoName(rule.case)}`, "cannot be asked of a connection by this proxy");
      return NEVER;
    case undefined:
      report(path, "must hold a rule");
      return NEVER;
    default:
      return rule satisfies never;
  }
}

function compilePrincipal({ identifier }: Principal, path: string, report: ReportViolation): Test {
  switch (identifier.case) {
    case "any":
      return ALWAYS;
    case "andIds":
    case "orIds": {
      const field = identifier.case === "andIds" ? "and_ids" : "or_ids";
      const tests = identifier.value.ids.map((one, index) => compilePrincipal(one, `${path}.${field}.ids[${index}]`, report));
      if (tests.length === 0) report(`${path}.${field}.ids`, "must not be empty");
      return identifier.case === "andIds" ? every(tests) : some(tests);
    }
    case "notId":
      return not(compilePrincipal(identifier.value, `${path}.not_id`, report));
    case "authenticated": {
      const { principalName } = identifier.value;
      // Without a name every TLS connection will do, as in Envoy, also one without a client certificate.
      if (principalName === undefined) return ({ tls }) => tls !== undefined;
      const matcher = compileStringMatcher(principalName, `${path}.authenticated.principal_name`, report);
      return ({ tls }) => {
        if (tls === undefined) return false;
        const { peer } = tls;
        const names = peer === undefined ? [] : [...peer.names("URI"), ...peer.names("DNS")];
        return names.some((name) => matcher.matches(name)) || matcher.matches(peer?.subject ?? "");
      };
    }
    case "sourceIp":
      return inRange(identifier.value, ({ remote }) => remote, `${path}.source_ip`, report);
    case "remoteIp":
      return inRange(identifier.value, ({ remote }) => remote, `${path}.remote_ip`, report);
    case "directRemoteIp":
      return inRange(identifier.value, ({ directRemote }) => directRemote, `${path}.direct_remote_ip`, report);
    case "filterState": {
      const { key, matcher } = identifier.value;
      if (key === "") report(`${path}.filter_state.key`, "must not be empty");
      if (matcher.case !== "stringMatch") {
        report(`${path}.filter_state`, "only string_match is served by this proxy");
        return NEVER;
      }
      const test = compileStringMatcher(matcher.value, `${path}.filter_state.string_match`, report);
      return ({ filterState }) => {
        const value = filterState?.get(key);
        return value !== undefined && test.matches(value);
      };
    }
    case "metadata":
      return ofMetadata(identifier.value, `${path}.metadata`, report);
    case "header":
    case "urlPath":
      report(`${path}.${protoName(identifier.case)}`, "cannot be asked of a connection by this proxy");
      return NEVER;
    case undefined:
      report(path, "must hold an identifier");
      return NEVER;
    default:
      return identifier satisfies never;
  }
}

function ofMetadata(wire: MetadataMatcher, path: string, report: ReportViolation): Test {
  const matcher = compileMetadataMatcher(wire, path, report);
  return ({ dynamicMetadata }) => matcher.matches(dynamicMetadata);
}

function inRange(range: CidrRange, of: (info: ConnectionInfo) => SocketAddress, path: string, report: ReportViolation): Test {
  try {
    const contains = compileAddressRanges([range]);
    return (info) => contains(of(info).address);
  } catch (error) {
    report(path, error instanceof Error ? error.message : String(error));
    return NEVER;
  }
}

function every(tests: readonly Test[]): Test {
  return (info) => tests.every((test) => test(info));
}

function some(tests: readonly Test[]): Test {
  return (info) => tests.some((test) => test(info));
}

function not(test: Test): Test {
  return (info) => !test(info);
}

function protoName(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
