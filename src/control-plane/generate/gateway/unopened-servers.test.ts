import assert from "node:assert/strict";
import { test } from "node:test";
import { service, viewOf, virtualService } from "#control-plane/generate/testing";
import { unopenedServerFindings } from "./unopened-servers.ts";

const GATEWAY = `
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: gw, namespace: default }
spec:
  servers:
  - { port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }
  - { port: { number: 443, name: https, protocol: HTTPS }, hosts: [a.com], tls: { mode: SIMPLE, credentialName: cert } }
  - { port: { number: 9000, name: tcp, protocol: TCP }, hosts: ["*"] }
  - { port: { number: 8443, name: tls, protocol: TLS }, hosts: [b.com], tls: { mode: PASSTHROUGH } }
  - { port: { number: 15443, name: cross, protocol: TLS }, hosts: ["*.local"], tls: { mode: AUTO_PASSTHROUGH } }
`;

const fields = (yaml: string): readonly (string | undefined)[] => {
  const view = viewOf(yaml, { type: "router" });
  return unopenedServerFindings([view, view]).map(({ field }) => field);
};

test("a server that nobody routes is named once, and no longer when somebody does", () => {
  assert.deepEqual(fields(GATEWAY), ["spec.servers[2]", "spec.servers[3]"]);
  const routes = virtualService(
    "db",
    `{ hosts: ["*"], gateways: [gw], tcp: [{ match: [{ port: 9000 }], route: [{ destination: { host: db } }] }] }`,
  );
  assert.deepEqual(fields(GATEWAY + service("db", [["tcp", 5432]]) + routes), ["spec.servers[3]"]);
});
