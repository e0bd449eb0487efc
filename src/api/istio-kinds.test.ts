// Each rule once: what is written, and what is said about which field. "ok" says nothing above info.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFile } from "./parse-file.ts";

function said(apiVersion: string, kind: string, spec: string, metadata = ""): string {
  const text = `{apiVersion: ${apiVersion}, kind: ${kind}, metadata: {name: a, namespace: ns${metadata}}, spec: ${spec}}`;
  const lines = parseFile(text, "a.yaml").flatMap((document) =>
    document.findings
      .filter((finding) => finding.level !== "info")
      .map((finding) => `${finding.level} ${finding.field?.replace(/^spec\.?/u, "") ?? ""}: ${finding.message}`),
  );
  return lines.length === 0 ? "ok" : lines.join("; ");
}

type Case = readonly [spec: string, expected: RegExp | "ok", metadata?: string];

function check(apiVersion: string, kind: string, cases: readonly Case[]): void {
  for (const [spec, expected, metadata] of cases) {
    const actual = said(apiVersion, kind, spec, metadata);
    if (expected === "ok") assert.equal(actual, "ok", spec);
    else assert.match(actual, expected, spec);
  }
}

test("every object of a kind without an effect says so", () => {
  const [document] = parseFile("{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: a}, spec: {}}", "a.yaml");
  assert.deepEqual(
    document?.findings.map(({ code, level }) => `${level} ${code}`),
    ["info MZ0004"],
  );
  assert.notEqual(document?.object, undefined);
});

test("a ServiceEntry's hosts, ports and endpoints fit its resolution", () => {
  const ports = "ports: [{number: 80, name: http, protocol: HTTP}]";
  check("networking.istio.io/v1", "ServiceEntry", [
    [`{hosts: [a.b], ${ports}, resolution: DNS}`, "ok"],
    ["{hosts: []}", /^error hosts: must not be empty/u],
    [`{hosts: ["*"], ${ports}}`, /^error hosts\[0\]: \* would stand for every host/u],
    [`{hosts: ["*-a.b"], ${ports}, resolution: STATIC}`, /^warning hosts\[0\]/u],
    [`{hosts: [a.b], addresses: [10.0.0.0/8], ${ports}, resolution: DNS}`, /^error addresses\[0\]: a network cannot be resolved/u],
    [`{hosts: [a.b], ${ports}, endpoints: [{address: 1.2.3.4}]}`, /^error endpoints: with resolution NONE/u],
    [`{hosts: [a.b], ${ports}, resolution: STATIC, endpoints: [{address: a.b}]}`, /endpoints\[0\]\.address: "a\.b" is no IP address/u],
    [`{hosts: [a.b], ${ports}, resolution: STATIC, endpoints: [{address: 1.2.3.4, ports: {x: 1}}]}`, /none of the ServiceEntry's ports/u],
    [`{hosts: ["*.b"], ${ports}, resolution: DNS}`, /^error hosts\[0\]: .* cannot be looked up/u],
    [`{hosts: [a.b], ${ports}, resolution: DYNAMIC_DNS}`, /is for hosts with a wildcard/u],
    [`{hosts: [a.b, c.d], ports: [{number: 1, name: a, protocol: TCP}], resolution: DNS}`, /told apart only by HTTP or TLS/u],
    [`{hosts: [a.b], ports: [{number: 1, name: a}]}`, /^warning ports\[0\]: serves TCP and needs addresses/u],
    [`{hosts: [a.b], exportTo: ["~"], ${ports}, resolution: DNS}`, "ok"],
    [`{hosts: [a.b], exportTo: ["~", b], ${ports}, resolution: DNS}`, /~ says nobody/u],
  ]);
});

test("a Sidecar's listeners are ones that can be", () => {
  check("networking.istio.io/v1", "Sidecar", [
    ['{egress: [{hosts: ["*/*"]}]}', "ok"],
    ["{}", /^error : is empty/u],
    ["{egress: [{hosts: [a]}]}", /^error egress\[0\]\.hosts\[0\]: "a" must be namespace\/host/u],
    ['{egress: [{hosts: ["*/*", "b/c.d"]}]}', /^warning egress\[0\]\.hosts: \*\/\* is everything/u],
    ['{egress: [{hosts: ["~/*"]}]}', "ok"],
    ['{egress: [{hosts: ["*/*"]}, {port: {number: 1, protocol: TCP}, hosts: ["*/*"]}]}', /stands last/u],
    ['{egress: [{port: {number: 0, protocol: TCP}, hosts: ["*/*"]}]}', /^error egress\[0\]\.bind: port 0 is for a unix socket/u],
    ["{ingress: [{port: {number: 80, protocol: HTTP}, defaultEndpoint: 127.0.0.1:8080}]}", "ok"],
    ["{ingress: [{port: {number: 80, protocol: HTTP}, defaultEndpoint: 10.0.0.1:8080}]}", /no place of the application/u],
    ["{ingress: [{port: {number: 80, protocol: HTTP}, tls: {mode: SIMPLE, credentialName: a}}]}", /credentialName: is not supported/u],
    ["{outboundTrafficPolicy: {mode: REGISTRY_ONLY, egressProxy: {host: a.b}}}", /set mode: ALLOW_ANY|which this mode refuses/u],
  ]);
});

test("an AuthorizationPolicy's rules are complete and its attributes known", () => {
  check("security.istio.io/v1", "AuthorizationPolicy", [
    ["{}", "ok"],
    ["{rules: [{}]}", "ok"],
    ["{action: DENY}", /^error : DENY without rules/u],
    ["{action: CUSTOM, rules: [{}]}", /^error provider\.name: CUSTOM needs/u],
    ["{provider: {name: a}, rules: [{}]}", /^error provider: is for the action CUSTOM/u],
    ["{rules: [{from: []}]}", /^error rules\[0\]\.from: must not be empty/u],
    ["{rules: [{from: [{}]}]}", /source: is required/u],
    ["{rules: [{from: [{source: {ipBlocks: [x]}}]}]}", /ipBlocks: "x" is neither/u],
    ["{rules: [{from: [{source: {trustDomains: [a*b]}}]}]}", /a wildcard stands at the start or the end/u],
    ["{rules: [{from: [{source: {serviceAccounts: [a/b/c]}}]}]}", /neither ACCOUNT nor/u],
    ["{rules: [{to: [{operation: {paths: ['/a/{*}/{**}']}}]}]}", "ok"],
    ["{rules: [{to: [{operation: {paths: ['/a/{**}/{*}']}}]}]}", /nothing but plain segments/u],
    ["{rules: [{to: [{operation: {ports: ['70000']}}]}]}", /"70000" is no port/u],
    ["{rules: [{when: [{key: source.ipp, values: [a]}]}]}", /"source\.ipp" is no attribute/u],
    ["{rules: [{when: [{key: 'request.headers[a]'}]}]}", /needs values/u],
    ["{action: DENY, rules: [{to: [{operation: {methods: [GET]}}]}]}", /^warning rules\[0\]: has conditions on HTTP alone/u],
    ["{rules: [{}], selector: {matchLabels: {a: '*'}}}", /a selector has no wildcards/u],
    ["{rules: [{}], targetRef: {kind: Pod, name: a}}", /Pod cannot be referred to/u],
    ["{rules: [{}]}", /^error metadata\.annotations\["istio\.io\/dry-run"\]: must be "true"/u, ", annotations: {istio.io/dry-run: maybe}"],
  ]);
});

test("tokens and mutual TLS are asked for in ways that work", () => {
  check("security.istio.io/v1", "RequestAuthentication", [
    ["{jwtRules: [{issuer: a, jwksUri: 'https://a.b/keys'}]}", "ok"],
    ["{jwtRules: [{}]}", /needs an issuer/u],
    ["{jwtRules: [{issuer: a, jwks_uri: 'ftp://a.b'}]}", /must begin with http/u],
    ["{jwtRules: [{issuer: a, jwks: '{'}]}", /is no JSON/u],
    [
      `{jwtRules: [{issuer: a, jwks: '{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}'}]}`,
      /^warning jwtRules\[0\]\.jwks: key 0 holds a private key/u,
    ],
  ]);
  check("security.istio.io/v1beta1", "PeerAuthentication", [
    ["{mtls: {mode: STRICT}}", "ok"],
    ["{portLevelMtls: {80: {mode: DISABLE}}}", /add selector|has none/u],
    ["{selector: {matchLabels: {a: b}}, portLevelMtls: {70000: {mode: DISABLE}}}", /between 1 and 65535/u],
  ]);
});

test("Telemetry, plugins and ProxyConfig keep to their limits", () => {
  check("telemetry.istio.io/v1", "Telemetry", [
    ["{accessLogging: [{filter: {expression: 'response.code >= 400'}}]}", "ok"],
    ["{accessLogging: [{filter: {expression: 'response.code >='}}]}", /is no CEL expression: it ends too early/u],
    ["{metrics: [{overrides: [{tagOverrides: {a: {operation: UPSERT}}}]}]}", /UPSERT needs a value/u],
    ["{tracing: [{randomSamplingPercentage: 101}]}", /must be 100 or less/u],
    ["{tracing: [{}, {}]}", /^warning tracing: only the first/u],
  ]);
  check("extensions.istio.io/v1alpha1", "WasmPlugin", [
    ["{url: 'oci://a/b'}", "ok"],
    ["{url: 'ftp://a/b'}", /"ftp" is no way to fetch/u],
    ["{url: a/b, sha256: abc}", /sha256: "abc" must match/u],
    ["{url: a/b, vmConfig: {env: [{name: A, valueFrom: HOST, value: x}]}}", /is taken from the host/u],
  ]);
  check("extensions.istio.io/v1alpha1", "TrafficExtension", [
    ["{lua: {inlineCode: 'x'}}", "ok"],
    ["{}", /needs either wasm or lua/u],
  ]);
  check("networking.istio.io/v1beta1", "ProxyConfig", [["{concurrency: -1}", /must be 0 or more/u]]);
});

test("an EnvoyFilter's patches name objects, and values are such objects", () => {
  const patch = (text: string): string => `{configPatches: [{${text}}]}`;
  const typed = (type: string): string =>
    patch(`applyTo: HTTP_FILTER, patch: {operation: ADD, value: {name: a, typed_config: {'@type': type.googleapis.com/${type}}}}`);
  const lua = "'@type': type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua, inlineCode: ''";
  check("networking.istio.io/v1alpha3", "EnvoyFilter", [
    [patch("patch: {operation: MERGE}"), /applyTo: is required/u],
    [patch("applyTo: CLUSTER, patch: {operation: MERGE}"), /MERGE needs a value/u],
    [patch("applyTo: CLUSTER, patch: {operation: MERGE, value: {connect_timeout: soon}}"), /error .*is no such object/u],
    [patch("applyTo: CLUSTER, patch: {operation: MERGE, value: {nothing: 1}}"), /warning .*"nothing" is unknown/u],
    [patch("applyTo: CLUSTER, match: {listener: {}}, patch: {operation: REMOVE}"), /is matched by cluster/u],
    [
      patch(`applyTo: HTTP_FILTER, patch: {operation: INSERT_FIRST, value: {name: lua, typed_config: {${lua}}}}`),
      /^warning : patches[^;]*$/u,
    ],
    [
      patch("applyTo: HTTP_FILTER, patch: {operation: INSERT_FIRST, value: {name: a, typed_config: {'@type': x/a.B}}}"),
      /"x\/a\.B" is not known/u,
    ],
    [patch("applyTo: HTTP_FILTER, patch: {operation: INSERT_FIRST, value: {name: envoy.lua}}"), /warning .*has no typed_config/u],
    [patch("applyTo: CLUSTER, match: {proxy: {proxyVersion: '('}}, patch: {operation: REMOVE}"), /proxyVersion: regex/u],
    [typed("envoy.config.filter.http.ext_authz.v2alpha.ExtAuthz"), /error .*ext_authz\.v2alpha\.ExtAuthz" is not known/u],
    [typed("envoy.extensions.filters.http.golang.v3alpha.Config"), /^warning .*warning .*is not known here and not checked$/u],
    [typed("stats.PluginConfig, metrics: []"), /^warning .*warning .*is not known here and not checked$/u],
    [typed("udpa.type.v1.TypedStruct, type_url: a, value: {b: 1}"), /^warning : patches[^;]*$/u],
  ]);
});

test("an EnvoyFilter for waypoints finds its objects by filter or route", () => {
  const patch = (applyTo: string, waypoint: string): string =>
    `{configPatches: [{applyTo: ${applyTo}, match: {context: WAYPOINT${waypoint === "" ? "" : `, waypoint: {${waypoint}}`}}, patch: {operation: MERGE, value: {}}}]}`;
  const manager = "name: envoy.filters.network.http_connection_manager";
  check("networking.istio.io/v1alpha3", "EnvoyFilter", [
    ...["LISTENER", "LISTENER_FILTER", "BOOTSTRAP", "EXTENSION_CONFIG"].map((applyTo): [string, RegExp] => [
      patch(applyTo, "portNumber: 80"),
      /cannot be patched in waypoints/u,
    ]),
    [patch("CLUSTER", `filter: {${manager}}`), /CLUSTER is not found by a filter/u],
    [patch("CLUSTER", "route: {name: a}"), /CLUSTER is not found by a route/u],
    [patch("ROUTE_CONFIGURATION", `filter: {${manager}}`), /is not found by a filter/u],
    [patch("FILTER_CHAIN", "route: {name: a}"), /is not found by a route/u],
    [patch("HTTP_FILTER", ""), /goes with context: WAYPOINT/u],
    [patch("HTTP_FILTER", "portNumber: 80"), /HTTP_FILTER is found by a filter/u],
    [patch("HTTP_FILTER", "filter: {name: a}"), /HTTP filters stand in/u],
    [patch("HTTP_FILTER", `filter: {${manager}}`), /subFilter needs the name/u],
    [patch("HTTP_FILTER", "portNumber: 70000"), /a port is between 1 and 65535/u],
    [
      patch("HTTP_FILTER", `filter: {${manager}, subFilter: {name: envoy.filters.http.router}}`),
      /^warning : patches[^;]*(?:; warning .*typed_config.*)?$/u,
    ],
    [patch("HTTP_ROUTE", "route: {name: a}"), /^warning : patches[^;]*$/u],
    ["{configPatches: [{applyTo: CLUSTER, match: {waypoint: {}}, patch: {operation: REMOVE}}]}", /goes with context: WAYPOINT/u],
  ]);
});
