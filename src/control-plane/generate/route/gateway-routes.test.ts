import assert from "node:assert/strict";
import { test } from "node:test";
import { gatewayRouteConfiguration } from "./gateway-routes.ts";
import { service, viewOf, virtualHosts, virtualService } from "#control-plane/generate/testing";

const SERVICES = service("web", [["http", 80]]);
const gateway = (servers: string, name = "gw"): string => `
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: default }
spec: { servers: [${servers}] }
`;
const http = (hosts: string, tls = ""): string => `{ port: { number: 80, name: http, protocol: HTTP }, hosts: [${hosts}]${tls} }`;
const vs = (name: string, hosts: string, rules: string): string =>
  virtualService(name, `{ hosts: [${hosts}], gateways: [gw], http: ${rules} }`);

function hosts(yaml: string, name = "http.80"): ReturnType<typeof virtualHosts> {
  const view = viewOf(SERVICES + yaml, { type: "router" });
  const servers = view.gatewayServers.filter(({ routeName }) => routeName === name);
  return virtualHosts(gatewayRouteConfiguration(view, name, servers));
}
const names = (yaml: string): readonly string[] =>
  hosts(yaml).map((host) => `${host.name} [${host.domains.join(" ")}] ${(host.routes ?? []).map((route) => route["name"]).join(" ")}`);

test("VirtualServices of one host merge, the oldest first and what matches everything last", () => {
  const yaml =
    gateway(http(`"*"`)) +
    vs("a", "a.com", `[{ name: all, redirect: { uri: / } }]`) +
    vs("b", "a.com", `[{ name: some, match: [{ uri: { prefix: /b } }], redirect: { uri: / } }]`);
  assert.deepEqual(names(yaml), ["a.com:80 [a.com] some all"]);
});

test("hosts with the same routes share a virtual host, named after the most specific", () => {
  const yaml = gateway(http(`"*.com", a.org`)) + vs("a", `b.com, aa.com, "*.org"`, `[{ name: all, redirect: { uri: / } }]`);
  assert.deepEqual(names(yaml), ["aa.com:80 [aa.com a.org b.com] all"]);
});

test("a host in front of a namespace is for VirtualServices of that namespace", () => {
  const yaml = gateway(http(`"shop/*.com", "./a.org"`)) + vs("a", "a.com, a.org", `[{ name: all, redirect: { uri: / } }]`);
  assert.deepEqual(names(yaml), ["a.org:80 [a.org] all"]);
});

test("a redirect on a server that ends TLS is one to https", () => {
  const tls = "tls: { mode: SIMPLE, credentialName: cert }";
  const yaml =
    gateway(`{ port: { number: 443, name: web, protocol: HTTPS }, hosts: ["*"], ${tls} }`) +
    vs("a", "a.com", `[{ redirect: { derivePort: FROM_REQUEST_PORT } }]`);
  const [host] = hosts(yaml, "https.443.web.gw.default");
  assert.equal(host?.name, "a.com:443");
  assert.equal(host?.routes?.[0]?.["redirect"].portRedirect, undefined);
});

test("httpsRedirect holds for every host of the server", () => {
  const yaml = gateway(http(`"*.com"`, ", tls: { httpsRedirect: true }")) + vs("a", "a.com", `[{ name: all, redirect: { uri: / } }]`);
  assert.deepEqual(
    hosts(yaml).map((host) => [host.name, host.requireTls, host.routes?.length ?? 0]),
    [
      ["*.com:80", "ALL", 0],
      ["a.com:80", "ALL", 1],
    ],
  );
});

test("conditions on claims of a token are conditions on metadata, and no catch-all", () => {
  const rules = `[
    { match: [{ headers: { "@request.auth.claims[a.b][c]": { prefix: x } }, withoutHeaders: { "@request.auth.claims.group": { exact: g } } }], route: [{ destination: { host: web } }] },
    { route: [{ destination: { host: web } }] }]`;
  const [host] = hosts(gateway(http(`"*"`)) + vs("a", "a.com", rules));
  const [claims, all] = host?.routes ?? [];
  assert.ok(all);
  const text = { stringMatch: { prefix: "x" } };
  assert.equal(claims?.["match"].headers, undefined);
  assert.deepEqual(claims?.["match"].dynamicMetadata[0], {
    filter: "envoy.filters.http.jwt_authn",
    path: [{ key: "payload" }, { key: "a.b" }, { key: "c" }],
    value: { orMatch: { valueMatchers: [{ listMatch: { oneOf: text } }, text] } },
  });
  assert.equal(claims?.["match"].dynamicMetadata[1].invert, true);
});

test("what a gateway's host is made of is made once: its virtual host is the same the next time", () => {
  const yaml = gateway(http(`"*"`)) + vs("a", "a.com", `[{ name: all, redirect: { uri: / } }]`);
  const view = viewOf(SERVICES + yaml, { type: "router" });
  const hostOf = (): unknown => gatewayRouteConfiguration(view, "http.80", view.gatewayServers).virtualHosts[0];
  assert.equal(hostOf(), hostOf());
});
