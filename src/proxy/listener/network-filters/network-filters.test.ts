import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromJson } from "@bufbuild/protobuf";
import type { DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { configRegistry } from "#envoy/config-registry";
import { FilterSchema } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import type { Filter } from "#envoy/gen/envoy/config/listener/v3/listener_components_pb";
import { ConnectionLimitSchema } from "#envoy/gen/envoy/extensions/filters/network/connection_limit/v3/connection_limit_pb";
import { ConfigSchema as DirectResponseSchema } from "#envoy/gen/envoy/extensions/filters/network/direct_response/v3/config_pb";
import { EchoSchema } from "#envoy/gen/envoy/extensions/filters/network/echo/v3/echo_pb";
import { LocalRateLimitSchema } from "#envoy/gen/envoy/extensions/filters/network/local_ratelimit/v3/local_rate_limit_pb";
import { RBACSchema } from "#envoy/gen/envoy/extensions/filters/network/rbac/v3/rbac_pb";
import { ConfigSchema as SetFilterStateSchema } from "#envoy/gen/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb";
import { SniClusterSchema } from "#envoy/gen/envoy/extensions/filters/network/sni_cluster/v3/sni_cluster_pb";
import { Violations } from "#proxy/field-check";
import { FakeConnection } from "#proxy/http/connection.fake";
import { FakeStats } from "#proxy/http/stats.fake";
import type { ConnectionContext } from "#proxy/listener/network-filter";
import { compileNetworkFilters } from "#proxy/listener/filter-chain";
import type { ThreadContext } from "#proxy/thread-context";
import { runtimeValues } from "#proxy/runtime/runtime.fake";
import { CurrentRuntime } from "#proxy/runtime/runtime";
import { ManualClock } from "#runtime/clock";
import { connectionLimitCompiler } from "./connection-limit.ts";
import { directResponseCompiler } from "./direct-response.ts";
import { echoCompiler } from "./echo.ts";
import { localRateLimitCompiler } from "./local-ratelimit.ts";
import { networkRbacCompiler } from "./rbac.ts";
import { networkSetFilterStateCompiler } from "./set-filter-state.ts";
import { sniClusterCompiler } from "./sni-cluster.ts";

const COMPILERS = [
  networkRbacCompiler,
  networkSetFilterStateCompiler,
  sniClusterCompiler,
  connectionLimitCompiler,
  localRateLimitCompiler,
  directResponseCompiler,
  echoCompiler,
];

function filter(schema: DescMessage, json: JsonValue = {}): Filter {
  const value = anyPack(schema, fromJson(schema, json, { registry: configRegistry }));
  return create(FilterSchema, { name: schema.name, configType: { case: "typedConfig", value } });
}

interface Client {
  readonly connection: FakeConnection;
  readonly context: ConnectionContext;
  leave(): void;
}

class Bench {
  readonly clock = new ManualClock();
  readonly stats = new FakeStats();
  readonly runtime = new CurrentRuntime();
  readonly #chain: ReturnType<typeof compileNetworkFilters>;

  constructor(...filters: Filter[]) {
    const violations = new Violations();
    const thread = { clock: this.clock, stats: this.stats, runtime: this.runtime } as unknown as ThreadContext;
    this.#chain = compileNetworkFilters(filters, "filters", COMPILERS, thread, violations);
    violations.throwIfAny("chain");
  }

  connect(requestedServerName?: string): Client {
    const connection = new FakeConnection();
    const gone: (() => void)[] = [];
    const address = { address: "10.0.0.1", port: 1 };
    const context: ConnectionContext = {
      connection,
      info: { local: address, remote: address, directRemote: address, requestedServerName, tls: undefined },
      listenerName: "l",
      direction: "INBOUND",
      originalDestination: undefined,
      bufferLimitBytes: undefined,
      streamInfo: undefined,
      tcpProxyCluster: undefined,
      onDrain: () => {},
      onClosed: (callback) => void gone.push(callback),
    };
    this.#chain?.accept(context);
    return {
      connection,
      context,
      leave: () => {
        for (const callback of gone) callback();
      },
    };
  }
}

function problems(...filters: Filter[]): string[] {
  const violations = new Violations();
  compileNetworkFilters(filters, "filters", COMPILERS, undefined, violations);
  try {
    violations.throwIfAny("chain");
    return [];
  } catch (error) {
    return error instanceof Error ? error.message.replace("chain: ", "").split("; ") : [];
  }
}

test("sni_cluster chooses the cluster for the TCP proxy behind it", () => {
  const bench = new Bench(filter(SniClusterSchema), filter(EchoSchema));
  assert.equal(bench.connect("outbound_.80_._.web").context.tcpProxyCluster, "outbound_.80_._.web");
  assert.equal(bench.connect().context.tcpProxyCluster, undefined);
});

test("connection_limit closes who is too many, after its delay, and lets in who comes when another has left", () => {
  const bench = new Bench(filter(ConnectionLimitSchema, { statPrefix: "x", maxConnections: "1", delay: "0.5s" }), filter(EchoSchema));
  const first = bench.connect();
  const second = bench.connect();
  assert.equal(second.connection.closed, undefined);
  bench.clock.advance(500);
  assert.equal(second.connection.closed, "now");
  assert.equal(first.connection.closed, undefined);
  assert.equal(bench.stats.get("connection_limit.x.limited_connections"), 1);
  assert.equal(bench.stats.get("connection_limit.x.active_connections"), 1);
  first.leave();
  const third = bench.connect();
  bench.clock.advance(1000);
  assert.equal(third.connection.closed, undefined);
});

test("local_ratelimit takes a token a connection", () => {
  const tokenBucket = { maxTokens: 1, tokensPerFill: 1, fillInterval: "1s" };
  const bench = new Bench(filter(LocalRateLimitSchema, { statPrefix: "x", tokenBucket }), filter(EchoSchema));
  assert.equal(bench.connect().connection.closed, undefined);
  assert.equal(bench.connect().connection.closed, "now");
  assert.equal(bench.stats.get("local_rate_limit.x.rate_limited"), 1);
  bench.clock.advance(1000);
  assert.equal(bench.connect().connection.closed, undefined);
});

test("set_filter_state leaves texts for what comes later, and may choose the TCP proxy's cluster", () => {
  const value = (objectKey: string, inlineString: string, factoryKey = ""): JsonValue => ({
    objectKey,
    factoryKey,
    formatString: { textFormatSource: { inlineString } },
  });
  const onNewConnection = [
    value("who", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "envoy.string"),
    value("envoy.tcp_proxy.per_connection_idle_timeout_ms", "500"),
    value("envoy.tcp_proxy.cluster", "for-%REQUESTED_SERVER_NAME%"),
  ];
  const { context } = new Bench(filter(SetFilterStateSchema, { onNewConnection }), filter(EchoSchema)).connect("web");
  assert.equal(context.info.filterState?.get("who"), "10.0.0.1");
  assert.equal(context.tcpProxyCluster, "for-web");
});

test("rbac closes who is denied, and only counts what shadow rules would do", () => {
  const policy = (requestedServerName: JsonValue): JsonValue => ({
    policies: { p: { permissions: [{ requestedServerName }], principals: [{ any: true }] } },
  });
  const rules = { rules: policy({ exact: "web" }), shadowRules: policy({ exact: "other" }), shadowRulesStatPrefix: "test_" };
  const bench = new Bench(filter(RBACSchema, { statPrefix: "tcp.", ...rules }), filter(EchoSchema));
  assert.equal(bench.connect("web").connection.closed, undefined);
  assert.equal(bench.connect("other").connection.closed, "now");
  const count = (name: string): number => bench.stats.get(`tcp.rbac.${name}`);
  assert.deepEqual(["allowed", "denied", "test_.shadow_allowed", "test_.shadow_denied"].map(count), [1, 1, 1, 1]);
  assert.equal(new Bench(filter(RBACSchema, { statPrefix: "x" }), filter(EchoSchema)).connect().connection.closed, undefined);
  assert.deepEqual(
    problems(filter(RBACSchema, { matcher: { matcherList: {} } }), filter(EchoSchema)).map((text) => text.split(":")[0]),
    ["filters[0].typed_config.stat_prefix", "filters[0].typed_config.matcher.matcher_list.matchers"],
  );
});

test("where there is a matcher or a shadow_matcher the rules are passed over", () => {
  const on = (name: string, action: string): JsonObject => ({
    matcherTree: {
      input: { typedConfig: { "@type": "type.googleapis.com/envoy.extensions.matching.common_inputs.network.v3.ServerNameInput" } },
      exactMatchMap: {
        map: { [name]: { action: { typedConfig: { "@type": "type.googleapis.com/envoy.config.rbac.v3.Action", name: "p", action } } } },
      },
    },
  });
  const rules = { policies: { p: { permissions: [{ any: true }], principals: [{ any: true }] } } };
  const bench = new Bench(
    filter(RBACSchema, { statPrefix: "x", rules, shadowRules: rules, matcher: on("web", "ALLOW"), shadowMatcher: on("other", "ALLOW") }),
    filter(EchoSchema),
  );
  assert.deepEqual([bench.connect("web").connection.closed, bench.connect("other").connection.closed], [undefined, "now"]);
  assert.deepEqual(
    ["allowed", "denied", "shadow_allowed", "shadow_denied"].map((name) => bench.stats.get(`x.rbac.${name}`)),
    [1, 1, 1, 1],
  );
});

test("rules that only log let everything on, and say what they found", () => {
  const log = (policies: JsonValue): Filter => filter(RBACSchema, { statPrefix: "x", rules: { action: "LOG", policies } });
  const everybody = { p: { permissions: [{ any: true }], principals: [{ any: true }] } };
  const found = [everybody, {}].map((policies) => {
    const { context, connection } = new Bench(log(policies), filter(EchoSchema)).connect();
    return [connection.closed, context.info.dynamicMetadata];
  });
  const hint = (access_log_hint: boolean): object => ({ "envoy.common": { access_log_hint } });
  assert.deepEqual(found, [
    [undefined, hint(true)],
    [undefined, hint(false)],
  ]);
});

test("direct_response says its text and closes", () => {
  const { connection } = new Bench(filter(DirectResponseSchema, { response: { inlineString: "go away\n" } })).connect();
  assert.equal(connection.written, "go away\n");
  assert.equal(connection.closed, "flush");
});

test("echo echoes", () => {
  const { connection } = new Bench(filter(EchoSchema)).connect();
  connection.feed("hello");
  assert.equal(connection.written, "hello");
});

test("the last filter is a terminal one, and only the last; what cannot be honoured is named", () => {
  assert.deepEqual(problems(), ["filters: must hold a terminal filter"]);
  assert.match(
    problems(filter(EchoSchema), filter(SniClusterSchema)).join(),
    /filters\[0\]: terminal filter.*filters\[1\]: the last filter must be/,
  );
  assert.deepEqual(
    problems(filter(LocalRateLimitSchema), filter(EchoSchema)).map((text) => text.split(":")[0]),
    [
      "filters[0].typed_config.stat_prefix",
      "filters[0].typed_config.token_bucket.max_tokens",
      "filters[0].typed_config.token_bucket.fill_interval",
    ],
  );
  assert.deepEqual(
    problems(filter(ConnectionLimitSchema), filter(EchoSchema)).map((text) => text.split(":")[0]),
    ["filters[0].typed_config.stat_prefix", "filters[0].typed_config.max_connections"],
  );
});

test("connection_limit and local_ratelimit do nothing where runtime_enabled says so", () => {
  const runtimeEnabled = { defaultValue: false };
  const tokenBucket = { maxTokens: 1, tokensPerFill: 1, fillInterval: "1s" };
  for (const off of [
    filter(ConnectionLimitSchema, { statPrefix: "x", maxConnections: "1", runtimeEnabled }),
    filter(LocalRateLimitSchema, { statPrefix: "x", tokenBucket, runtimeEnabled }),
  ]) {
    const bench = new Bench(off, filter(EchoSchema));
    for (const { connection } of [bench.connect(), bench.connect()]) assert.equal(connection.closed, undefined);
  }
});

test("runtime layers switch connection_limit and local_ratelimit on", () => {
  const runtimeEnabled = { defaultValue: false, runtimeKey: "limits" };
  const tokenBucket = { maxTokens: 1, tokensPerFill: 1, fillInterval: "1s" };
  for (const off of [
    filter(ConnectionLimitSchema, { statPrefix: "x", maxConnections: "1", runtimeEnabled }),
    filter(LocalRateLimitSchema, { statPrefix: "x", tokenBucket, runtimeEnabled }),
  ]) {
    const bench = new Bench(off, filter(EchoSchema));
    bench.runtime.set(runtimeValues({ limits: true }));
    const [first, second] = [bench.connect(), bench.connect()];
    assert.deepEqual([first.connection.closed, second.connection.closed !== undefined], [undefined, true]);
  }
});
