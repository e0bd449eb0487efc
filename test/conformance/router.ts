// Section "router": the tests of Envoy's router_check_tool. The route configuration is compiled by the proxy's own code; each test's
// request is asked of the table, and every expectation of the test is compared.
//
// The tool runs with a mocked runtime: a runtime fraction counts only in tests that name a runtime key, and with a random value of 0
// every fraction holds, 0 too. That is done here to the configuration before it is compiled.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { create, createRegistry, fromJson } from "@bufbuild/protobuf";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { parse } from "yaml";
import { HeaderMatcherSchema } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import type { RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import type { DynamicMetadata } from "#matcher/metadata-matcher";
import { compileHeaderMatcher } from "#matcher/header-matcher";
import type { MatchableHeaders } from "#matcher/header-matcher";
import { PairRequestHeaderMap, PairResponseHeaderMap } from "#proxy/http/pair-header-map";
import { StreamRecord } from "#proxy/http/stream-record";
import { compileRouteTable } from "#proxy/route/route-table";
import { checkRoute } from "#proxy/route/router-check";
import type { CheckResult } from "#proxy/route/router-check";

interface MetadataEntry {
  readonly metadata_namespace: string;
  readonly value: JsonObject;
  readonly allow_overwrite?: boolean;
}

interface RouterCase {
  readonly file: string;
  readonly config: string;
  readonly name: string;
  readonly expectMatch: boolean;
  readonly input: {
    readonly authority: string;
    readonly path: string;
    readonly method: string;
    readonly ssl?: boolean;
    readonly internal?: boolean;
    readonly runtime?: string;
    readonly random_value?: number;
    readonly dynamic_metadata?: readonly MetadataEntry[];
    readonly additional_request_headers?: readonly { readonly key: string; readonly value: string }[];
    readonly additional_response_headers?: readonly { readonly key: string; readonly value: string }[];
  };
  readonly validate: Readonly<Record<string, unknown>>;
}

export interface RouterResult {
  readonly passed: number;
  readonly total: number;
  readonly failures: { id: string; why: string }[];
}

export async function run(directory: string): Promise<RouterResult> {
  const dir = join(directory, "router");
  const { cases } = JSON.parse(readFileSync(join(dir, "cases.json"), "utf8")) as { cases: readonly RouterCase[] };
  const failures: { id: string; why: string }[] = [];
  for (const test of cases) {
    const id = `${test.file}/${test.name}`;
    try {
      const differences = differencesOf(dir, test);
      if (test.expectMatch && differences.length > 0) failures.push({ id, why: differences.join("; ") });
      if (!test.expectMatch && differences.length === 0) failures.push({ id, why: "the test expects a difference, and there is none" });
    } catch (error) {
      failures.push({ id, why: error instanceof Error ? error.message : String(error) });
    }
  }
  return { passed: cases.length - failures.length, total: cases.length, failures };
}

function differencesOf(dir: string, test: RouterCase): string[] {
  const { input } = test;
  const config = routeConfiguration(join(dir, test.config));
  mockRuntime(config, input.runtime, input.random_value ?? 0);
  const table = compileRouteTable(config, { filters: [] });
  const scheme = input.ssl === true ? "https" : "http";
  const headers = new PairRequestHeaderMap(
    { method: input.method, path: input.path, authority: input.authority, scheme, upgrade: undefined },
    [
      ["x-forwarded-proto", scheme],
      ...(input.internal === true ? [["x-envoy-internal", "true"] as const] : []),
      ...(input.additional_request_headers ?? []).map(({ key, value }) => [key, value] as const),
    ],
  );
  const response = new PairResponseHeaderMap(
    200,
    (input.additional_response_headers ?? []).map(({ key, value }) => [key, value] as const),
  );
  const result = checkRoute(table, {
    headers,
    response,
    info: streamOf(headers, response),
    // The tool's number is taken modulo the total weight, which is 100 wherever it is set.
    randomValue: (((input.random_value ?? 0) % 100) + 0.5) / 100,
    tls: input.ssl === true,
    dynamicMetadata: metadataOf(input.dynamic_metadata ?? []),
  });
  const answers: Readonly<Record<string, string | number>> = answersOf(result, `${scheme}://${input.authority}${input.path}`);
  const different: string[] = [];
  for (const [key, expected] of Object.entries(test.validate)) {
    if (key === "response_header_matches" || key === "request_header_matches") {
      different.push(
        ...headerDifferences(expected as JsonValue[], key === "response_header_matches" ? { ...NO_LINE, ...pick(response) } : headers),
      );
    } else if (key === "route_metadata") {
      for (const { namespace, key: name, value } of expected as { namespace: string; key: string; value: unknown }[]) {
        if (result?.metadata[namespace]?.[name] !== value) different.push(`route metadata ${namespace}.${name} is not ${String(value)}`);
      }
    } else if (key === "timeout") {
      if (result?.timeoutMs !== Number.parseFloat(String(expected)) * 1000)
        different.push(`timeout: ${result?.timeoutMs} ms, expected ${String(expected)}`);
    } else if (!Object.hasOwn(answers, key)) different.push(`${key}: this runner cannot check it`);
    else if (answers[key] !== expected) different.push(`${key}: ${JSON.stringify(answers[key])}, expected ${JSON.stringify(expected)}`);
  }
  return different;
}

/** The tool's entries, as the set_metadata filter writes them: a later one for a namespace counts only where it may overwrite. */
function metadataOf(entries: readonly MetadataEntry[]): DynamicMetadata {
  const metadata: Record<string, JsonObject> = {};
  for (const { metadata_namespace: namespace, value, allow_overwrite: overwrite } of entries) {
    if (metadata[namespace] === undefined) metadata[namespace] = value;
    else if (overwrite === true) metadata[namespace] = { ...metadata[namespace], ...value };
  }
  return metadata;
}

function streamOf(headers: PairRequestHeaderMap, response: PairResponseHeaderMap): StreamRecord {
  const address = { address: "127.0.0.1", port: 0 };
  const info = new StreamRecord(0, 0, {
    local: address,
    remote: address,
    directRemote: address,
    requestedServerName: undefined,
    tls: undefined,
  });
  info.requestHeaders = headers;
  info.responseHeaders = response;
  return info;
}

function mockRuntime(config: RouteConfiguration, key: string | undefined, randomValue: number): void {
  for (const host of config.virtualHosts) {
    if (key === undefined) host.routes = host.routes.filter((route) => route.match?.runtimeFraction === undefined);
    else if (randomValue === 0) for (const { match } of host.routes) if (match !== undefined) delete match.runtimeFraction;
  }
}

const NO_LINE = { method: "", path: "", authority: "", scheme: "" };

function pick(headers: Pick<MatchableHeaders, "getAll" | "getJoined">): Pick<MatchableHeaders, "getAll" | "getJoined"> {
  return { getAll: (name) => headers.getAll(name), getJoined: (name) => headers.getJoined(name) };
}

/** The tool answers "" for everything that a redirect or direct response has not. */
function answersOf(result: CheckResult | undefined, url: string): Record<string, string | number> {
  const forwarded = result !== undefined && result.replyStatus === 0;
  return {
    cluster_name: result?.cluster ?? "",
    virtual_cluster_name: forwarded ? result.virtualCluster : "",
    virtual_host_name: forwarded ? result.virtualHost : "",
    path_rewrite: forwarded ? result.path : "",
    host_rewrite: forwarded ? result.host : "",
    path_redirect: result === undefined || forwarded ? "" : result.redirect === "" ? url : result.redirect,
    code_redirect: result?.replyStatus ?? 0,
  };
}

function headerDifferences(
  matchers: readonly JsonValue[],
  headers: Parameters<ReturnType<typeof compileHeaderMatcher>["matches"]>[0],
): string[] {
  return matchers.flatMap((json) => {
    const matcher = compileHeaderMatcher(fromJson(HeaderMatcherSchema, json), "response_header_matches", (path, message) => {
      throw new Error(`${path}: ${message}`);
    });
    return matcher.matches(headers) ? [] : [`header does not match ${JSON.stringify(json)}`];
  });
}

function routeConfiguration(path: string): RouteConfiguration {
  // Some files write durations as objects, which Envoy's own loader takes and proto JSON does not.
  const json = parse(readFileSync(path, "utf8"), (key, value: unknown) =>
    key === "timeout" && typeof value === "object" && value !== null ? seconds(value as { seconds?: number; nanos?: number }) : value,
  ) as JsonValue;
  return json === null ? create(RouteConfigurationSchema) : fromJson(RouteConfigurationSchema, json, { registry: createRegistry() });
}

function seconds(duration: { readonly seconds?: number; readonly nanos?: number }): string {
  return `${(duration.seconds ?? 0) + (duration.nanos ?? 0) / 1e9}s`;
}
