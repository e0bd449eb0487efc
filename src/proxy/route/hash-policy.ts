// RouteAction.hash_policy, compiled: what of a request decides which host it goes to. As Envoy (hash_policy.cc): the hashes of the
// policies are combined in order; a terminal one that has a value ends the list.
import type { RouteAction_HashPolicy } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { durationMs } from "#envoy/duration";
import { cookieValue } from "#proxy/http/cookie";
import type { RequestHeaderMap } from "#proxy/http/header-map";
import type { ReportViolation } from "#matcher/string-matcher";
import { compileSubstitution } from "./path-rewrite.ts";
import { addressText } from "#proxy/net/socket-address";
import { xxHash64 } from "#runtime/xx-hash64";

export interface HashInput {
  readonly headers: RequestHeaderMap;
  /** The client's address, `10.0.0.1:4711`, and this proxy's own. */
  readonly remoteAddress: { readonly address: string; readonly port: number };
  readonly localAddress: { readonly address: string; readonly port: number };
  /** What filters left by name. */
  readonly filterState?: { getHashable(key: string): string | undefined } | undefined;
}

export interface RequestHash {
  readonly hash: bigint | undefined;
  /** Values of set-cookie headers for the response. */
  readonly cookies: readonly string[];
}

export type HashRequest = (input: HashInput) => RequestHash;

interface Policy {
  readonly terminal: boolean;
  readonly hash: (input: HashInput, cookies: string[]) => bigint | undefined;
}

const MASK = 0xffff_ffff_ffff_ffffn;

/** undefined: there is none. */
export function compileHashPolicy(wire: readonly RouteAction_HashPolicy[], path: string, report: ReportViolation): HashRequest | undefined {
  const policies = wire.flatMap((each, index): Policy[] => {
    const hash = compileOne(each, `${path}[${index}]`, report);
    return hash === undefined ? [] : [{ terminal: each.terminal, hash }];
  });
  if (policies.length === 0) return undefined;
  return (input) => {
    const cookies: string[] = [];
    let hash: bigint | undefined;
    for (const policy of policies) {
      const next = policy.hash(input, cookies);
      if (next !== undefined) {
        // Rotated, so that the order of the policies counts and two of the same value do not cancel each other.
        const before = hash === undefined ? 0n : ((hash << 1n) | (hash >> 63n)) & MASK;
        hash = before ^ next;
      }
      if (policy.terminal && hash !== undefined) break;
    }
    return { hash, cookies };
  };
}

function compileOne({ policySpecifier }: RouteAction_HashPolicy, path: string, report: ReportViolation): Policy["hash"] | undefined {
  switch (policySpecifier.case) {
    case "header": {
      const { headerName, regexRewrite } = policySpecifier.value;
      const rewrite = regexRewrite === undefined ? undefined : compileSubstitution(regexRewrite, `${path}.header.regex_rewrite`, report);
      const name = headerName.toLowerCase();
      if (rewrite !== undefined) return ({ headers }) => hashValues(headers.getAll(name).map((value) => rewrite(value)));
      return ({ headers }) => hashValues(headers.getAll(name));
    }
    case "cookie": {
      const { name, ttl, path: cookiePath, attributes } = policySpecifier.value;
      const ttlMs = durationMs(ttl);
      const suffix = [
        ...(ttlMs === undefined || ttlMs === 0 ? [] : [`Max-Age=${Math.trunc(ttlMs / 1000)}`]),
        ...(cookiePath === "" ? [] : [`Path=${cookiePath}`]),
        ...attributes.map((attribute) => `${attribute.name}=${attribute.value}`),
        "HttpOnly",
      ].join("; ");
      return (input, cookies) => {
        let value = cookieValue(input.headers, name);
        if (value === undefined) {
          if (ttlMs === undefined) return undefined;
          value = xxHash64(addressText(input.remoteAddress) + addressText(input.localAddress))
            .toString(16)
            .padStart(16, "0");
          cookies.push(`${name}="${value}"; ${suffix}`);
        }
        return xxHash64(value);
      };
    }
    case "connectionProperties":
      return policySpecifier.value.sourceIp ? ({ remoteAddress }) => xxHash64(remoteAddress.address) : undefined;
    case "queryParameter": {
      const { name } = policySpecifier.value;
      return ({ headers }) => {
        const value = queryParameter(headers.path, name);
        return value === undefined ? undefined : xxHash64(value);
      };
    }
    case "filterState": {
      const { key } = policySpecifier.value;
      if (key === "") report(`${path}.filter_state.key`, "must not be empty");
      return ({ filterState }) => {
        const value = filterState?.getHashable(key);
        return value === undefined ? undefined : xxHash64(value);
      };
    }
    default:
      report(path, `${policySpecifier.case ?? "a policy without a specifier"} is not served by this proxy`);
      return undefined;
  }
}

/** Several values of one header count as a set: their order makes no difference. */
function hashValues(values: readonly string[]): bigint | undefined {
  if (values.length === 0) return undefined;
  let hash = 0n;
  for (const value of values.toSorted()) hash = xxHash64(value, hash);
  return hash;
}

function queryParameter(path: string, name: string): string | undefined {
  const start = path.indexOf("?");
  if (start < 0) return undefined;
  const end = path.indexOf("#", start);
  for (const pair of path.slice(start + 1, end < 0 ? undefined : end).split("&")) {
    const equals = pair.indexOf("=");
    if ((equals < 0 ? pair : pair.slice(0, equals)) === name) return equals < 0 ? "" : pair.slice(equals + 1);
  }
  return undefined;
}
