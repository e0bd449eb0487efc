// RateLimit of a route or virtual host: what of a request makes up the descriptors by which rate limit filters count it.
import type { RateLimit, RateLimit_Action as Action } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { RateLimit_Action_MetaData_Source as Source } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { MetadataKey } from "#envoy/gen/envoy/type/metadata/v3/metadata_pb";
import { compileAddressMask } from "#matcher/cidr";
import { compileHeaderMatchers, compileQueryMatcher, headerReader, queryParameters } from "#matcher/header-matcher";
import type { ReportViolation } from "#matcher/string-matcher";
import { asciiLower, wireText } from "#matcher/wire-text";
import { valueAt } from "#proxy/http/dynamic-metadata";
import type { RequestHeaderMap } from "#proxy/http/header-map";
import type { StreamInfo } from "#proxy/http/stream-info";
import { isPipe } from "#proxy/net/socket-address";
import type { RouteEntry, RouteInput } from "./route.ts";

export interface DescriptorEntry {
  readonly key: string;
  readonly value: string;
}
export type Descriptor = readonly DescriptorEntry[];

export interface DescriptorInput {
  readonly headers: RequestHeaderMap;
  readonly info: StreamInfo;
  readonly route: RouteEntry;
  readonly routeInput: RouteInput;
  /** The node's own. */
  readonly localCluster: string;
}

export interface RateLimitEntry {
  readonly stage: number;
  readonly disableKey: string;
  /** undefined: some action has nothing to say, so the request is not counted by this entry. */
  describe(input: DescriptorInput): Descriptor | undefined;
}

/** What a route and its virtual host say. */
export interface RateLimits {
  readonly route: readonly RateLimitEntry[];
  readonly virtualHost: readonly RateLimitEntry[];
  /** The route's include_vh_rate_limits. */
  readonly includeVirtualHost: boolean;
}

const MAX_STAGE = 10;

export function compileRateLimits(limits: readonly RateLimit[], path: string, report: ReportViolation): readonly RateLimitEntry[] {
  return limits.map((limit, index) => {
    const at = `${path}[${index}]`;
    const stage = limit.stage ?? 0;
    if (stage > MAX_STAGE) report(`${at}.stage`, `must be at most ${MAX_STAGE}`);
    if (limit.actions.length === 0) report(`${at}.actions`, "must not be empty");
    const actions = limit.actions.map((action, which) => compileAction(action, `${at}.actions[${which}]`, report));
    return {
      stage,
      disableKey: limit.disableKey,
      describe(input) {
        const descriptor: DescriptorEntry[] = [];
        for (const action of actions) {
          const entry = action(input);
          if (entry === undefined) return undefined;
          if (entry !== "skip") descriptor.push(entry);
        }
        return descriptor;
      },
    };
  });
}

/** undefined: no descriptor at all; "skip": this action adds nothing. */
type Describe = (input: DescriptorInput) => DescriptorEntry | "skip" | undefined;

const NOTHING: Describe = () => undefined;

function compileAction({ actionSpecifier: action }: Action, path: string, report: ReportViolation): Describe {
  switch (action.case) {
    case "sourceCluster":
      return ({ localCluster }) => ({ key: "source_cluster", value: localCluster });
    case "destinationCluster":
      return ({ route, routeInput }) => ({ key: "destination_cluster", value: route.chooseCluster(routeInput)?.cluster ?? "" });
    case "requestHeaders": {
      const { headerName, descriptorKey: key, skipIfAbsent } = action.value;
      required(headerName, `${path}.request_headers.header_name`, report);
      required(key, `${path}.request_headers.descriptor_key`, report);
      const name = asciiLower(headerName);
      const read = name.startsWith(":") || name === "host" ? headerReader(name) : (headers: RequestHeaderMap) => headers.get(name);
      return ({ headers }) => {
        const value = read(headers);
        if (value === undefined) return skipIfAbsent ? "skip" : undefined;
        return { key, value };
      };
    }
    case "remoteAddress":
      return ({ info: { downstreamRemote: remote } }) =>
        remote === undefined || isPipe(remote) ? undefined : { key: "remote_address", value: remote.address };
    case "maskedRemoteAddress": {
      const { v4PrefixMaskLen: v4 = 32, v6PrefixMaskLen: v6 = 128 } = action.value;
      if (v4 > 32) report(`${path}.masked_remote_address.v4_prefix_mask_len`, "must be at most 32");
      if (v6 > 128) report(`${path}.masked_remote_address.v6_prefix_mask_len`, "must be at most 128");
      const mask = compileAddressMask(v4, v6);
      return ({ info: { downstreamRemote: remote } }) =>
        remote === undefined || isPipe(remote) ? undefined : { key: "masked_remote_address", value: mask(remote.address) };
    }
    case "genericKey": {
      const { descriptorKey, descriptorValue } = action.value;
      required(descriptorValue, `${path}.generic_key.descriptor_value`, report);
      const entry = { key: descriptorKey === "" ? "generic_key" : descriptorKey, value: wireText(descriptorValue) };
      return () => entry;
    }
    case "headerValueMatch": {
      const { descriptorKey, descriptorValue, expectMatch = true, headers } = action.value;
      required(descriptorValue, `${path}.header_value_match.descriptor_value`, report);
      if (headers.length === 0) report(`${path}.header_value_match.headers`, "must not be empty");
      const matchers = compileHeaderMatchers(headers, `${path}.header_value_match.headers`, report);
      const entry = { key: descriptorKey === "" ? "header_match" : descriptorKey, value: wireText(descriptorValue) };
      return (input) => (matchers.every((matcher) => matcher.matches(input.headers)) === expectMatch ? entry : undefined);
    }
    case "queryParameterValueMatch": {
      const { descriptorKey, descriptorValue, expectMatch = true, queryParameters: parameters } = action.value;
      const at = `${path}.query_parameter_value_match`;
      required(descriptorValue, `${at}.descriptor_value`, report);
      if (parameters.length === 0) report(`${at}.query_parameters`, "must not be empty");
      const matchers = parameters.map((one, which) => compileQueryMatcher(one, `${at}.query_parameters[${which}]`, report));
      const entry = { key: descriptorKey === "" ? "query_match" : descriptorKey, value: wireText(descriptorValue) };
      return ({ headers }) => {
        const there = queryParameters(headers.path);
        return matchers.every((matcher) => matcher.matches(there)) === expectMatch ? entry : undefined;
      };
    }
    case "dynamicMetadata":
      return compileMetadata({ ...action.value, source: Source.DYNAMIC, skipIfAbsent: false }, `${path}.dynamic_metadata`, report);
    case "metadata":
      return compileMetadata(action.value, `${path}.metadata`, report);
    case "extension":
      report(`${path}.extension`, `"${action.value.name}" is not known to this proxy`);
      return NOTHING;
    case undefined:
      report(path, "must say where its entry comes from");
      return NOTHING;
    default:
      return action satisfies never;
  }
}

interface MetadataAction {
  readonly descriptorKey: string;
  readonly metadataKey?: MetadataKey | undefined;
  readonly defaultValue: string;
  readonly source: Source;
  readonly skipIfAbsent: boolean;
}

function compileMetadata(action: MetadataAction, path: string, report: ReportViolation): Describe {
  const { descriptorKey: key, metadataKey, defaultValue, source, skipIfAbsent } = action;
  required(key, `${path}.descriptor_key`, report);
  if (metadataKey === undefined) report(`${path}.metadata_key`, "must be set");
  const namespace = metadataKey?.key ?? "";
  const keys = (metadataKey?.path ?? []).map(({ segment }) => segment.value ?? "");
  return ({ info, route }) => {
    const all = source === Source.DYNAMIC ? info.dynamicMetadata : route.metadata;
    const found = all !== undefined && Object.hasOwn(all, namespace) ? valueAt(all[namespace]!, keys) : undefined;
    const value = typeof found === "string" && found !== "" ? found : defaultValue;
    if (value !== "") return { key, value: wireText(value) };
    return skipIfAbsent ? "skip" : undefined;
  };
}

function required(value: string, path: string, report: ReportViolation): void {
  if (value === "") report(path, "must not be empty");
}
