import assert from "node:assert/strict";
import { test } from "node:test";
import type { GatewaySpec, ServerTLSSettings } from "#api/gateway";
import type { ApiObject } from "#api/object";
import { mergeGateways, type GatewayWorkload } from "./gateway-servers.ts";
import { object } from "./testing.ts";

interface Written {
  readonly number: number;
  readonly protocol: string;
  readonly hosts?: readonly string[];
  readonly bind?: string;
  readonly name?: string;
  readonly tls?: Partial<ServerTLSSettings>;
}

function gateway(name: string, servers: readonly Written[], annotations: Readonly<Record<string, string>> = {}): ApiObject<GatewaySpec> {
  const spec = {
    servers: servers.map(({ number, protocol, hosts = ["*"], bind, name: portName = `p${number}`, tls }) => ({
      port: { number, protocol, name: portName },
      hosts,
      ...(bind === undefined ? {} : { bind }),
      ...(tls === undefined ? {} : { tls }),
    })),
  };
  return object("Gateway", name, spec, { annotations }) as ApiObject<GatewaySpec>;
}

const workload: GatewayWorkload = { labels: {}, services: [], targetPort: () => undefined };
const simple = { mode: "SIMPLE" as const };

/** Servers as `gateway routes`, conflicts as `gateway field message`. */
function merged(...gateways: readonly ApiObject<GatewaySpec>[]): {
  readonly servers: readonly string[];
  readonly conflicts: readonly string[];
} {
  const { servers, conflicts } = mergeGateways(gateways, workload);
  return {
    servers: servers.map((server) => `${server.gateway.metadata.name} ${server.routeName || `${server.protocol}:${server.targetPort}`}`),
    conflicts: conflicts.map(({ object: key, field, message }) => `${key?.name} ${field} ${message}`),
  };
}

test("plain HTTP servers of one port share a route configuration, whatever the HTTP protocol", () => {
  assert.deepEqual(merged(gateway("a", [{ number: 80, protocol: "HTTP" }]), gateway("b", [{ number: 80, protocol: "GRPC" }])).servers, [
    "a http.80",
    "b http.80",
  ]);
});

test("each server that ends TLS has a route configuration of its own, with its bind address", () => {
  const servers = [
    { number: 443, protocol: "HTTPS", name: "one", hosts: ["a.com"], tls: simple },
    { number: 443, protocol: "HTTPS", name: "two", hosts: ["b.com"], tls: simple, bind: "10.0.0.1" },
    { number: 443, protocol: "HTTPS", name: "three", hosts: ["c.com"], tls: { mode: "PASSTHROUGH" as const } },
  ];
  assert.deepEqual(merged(gateway("gw", servers)).servers, [
    "gw https.443.one.gw.default",
    "gw https.443.two.gw.default.10.0.0.1",
    "gw HTTPS:443",
  ]);
});

test("TCP and HTTP cannot share a port, but an address each", () => {
  const first = gateway("a", [{ number: 80, protocol: "TCP" }]);
  const { servers, conflicts } = merged(first, gateway("b", [{ number: 80, protocol: "HTTP" }]));
  assert.deepEqual(servers, ["a TCP:80"]);
  assert.deepEqual(conflicts, ["b spec.servers[0].port port 80 is used as TCP by Gateway default/a, so it cannot also serve HTTP"]);
  assert.deepEqual(merged(first, gateway("b", [{ number: 80, protocol: "TCP", bind: "10.0.0.2" }])).conflicts, []);
  assert.equal(merged(first, gateway("b", [{ number: 80, protocol: "TCP" }])).conflicts.length, 1);
});

test("a server name belongs to the first server of a port that has it", () => {
  const one = gateway("a", [{ number: 443, protocol: "HTTPS", hosts: ["a.com", "b.com"], tls: simple }]);
  const two = gateway("b", [{ number: 443, protocol: "TLS", hosts: ["b.com", "c.com"], tls: { mode: "PASSTHROUGH" } }]);
  const { servers, conflicts } = merged(one, two);
  assert.deepEqual(servers, ["a https.443.p443.a.default"]);
  assert.deepEqual(conflicts, ["b spec.servers[0].hosts b.com on port 443 is served by Gateway default/a, so this server is left out"]);
  const elsewhere = gateway("c", [{ number: 443, protocol: "TLS", hosts: ["b.com"], bind: "10.0.0.3", tls: { mode: "PASSTHROUGH" } }]);
  assert.deepEqual(merged(one, elsewhere).conflicts, []);
});

test("two servers of one Gateway with one port name and TLS cannot be told apart", () => {
  const servers = ["a.com", "b.com"].map((host) => ({ number: 443, protocol: "HTTPS", name: "same", hosts: [host], tls: simple }));
  assert.equal(merged(gateway("gw", servers)).conflicts.length, 1);
});

test("hosts are bound to namespaces: the Gateway's own, a named one, or any", () => {
  const [server] = mergeGateways(
    [gateway("gw", [{ number: 80, protocol: "HTTP", hosts: ["./a.com", "shop/b.com", "*/c.com", "d.com"] }])],
    workload,
  ).servers;
  assert.deepEqual(server?.hosts, ["default/a.com", "shop/b.com", "c.com", "d.com"]);
  const [any] = mergeGateways([gateway("gw", [{ number: 80, protocol: "HTTP", hosts: ["a.com", "*/*"] }])], workload).servers;
  assert.deepEqual(any?.hosts, ["*"]);
});

test("a Gateway that names its Services takes their ports, all of them, and no others", () => {
  const service = (hostname: string, target: number): GatewayWorkload["services"][number] =>
    ({
      hostname,
      namespace: "default",
      labels: {},
      ports: [{ name: "http", number: 80, protocol: "HTTP", targetPort: target }],
    }) as unknown as GatewayWorkload["services"][number];
  const services = [service("one.default.svc.cluster.local", 8080), service("two.default.svc.cluster.local", 8081)];
  const targetPort: GatewayWorkload["targetPort"] = (_, port) => Number(port.targetPort);
  const ports = (hosts: string, number: number): readonly number[] => {
    const named = gateway("gw", [{ number, protocol: "HTTP" }], { "internal.istio.io/gateway-service": hosts });
    return mergeGateways([named], { labels: {}, services, targetPort }).servers.map((server) => server.targetPort);
  };
  assert.deepEqual(ports("one.default.svc.cluster.local,two.default.svc.cluster.local", 80), [8080, 8081]);
  assert.deepEqual(ports("two.default.svc.cluster.local", 80), [8081]);
  assert.deepEqual(ports("two.default.svc.cluster.local", 81), []);
  assert.deepEqual(ports("three.default.svc.cluster.local", 80), []);
});
