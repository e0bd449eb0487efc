import assert from "node:assert/strict";
import test from "node:test";
import type { ApiObject } from "#api/object";
import type { InboundPort } from "./mesh.ts";
import type { ProxyNode } from "./proxy.ts";
import { meshOf, object, proxyNode } from "./testing.ts";

const captured: Partial<ProxyNode> = {
  interceptionMode: "REDIRECT",
  ipAddresses: ["10.0.0.1", "fd00::1"],
  labels: { app: "web" },
  name: "web-1",
};
const ports = (objects: readonly ApiObject[], over: Partial<ProxyNode> = {}): readonly InboundPort[] =>
  meshOf(objects).mesh.view(proxyNode({ ...captured, ...over })).inboundPorts;
const service = (name: string, list: readonly object[], createdAt = "2026-01-01T00:00:00Z"): ApiObject => {
  const made = object("Service", name, { selector: { app: "web" }, ports: list });
  return { ...made, metadata: { ...made.metadata, creationTimestamp: createdAt } };
};

test("of services at one port the oldest decides; all of them are known", () => {
  const [port, ...more] = ports([
    service("a", [{ name: "tcp", port: 80, targetPort: 8080 }], "2026-01-01T00:00:02Z"),
    service("b", [{ name: "http", port: 81, targetPort: 8080 }], "2026-01-01T00:00:01Z"),
  ]);
  assert.deepEqual(more, []);
  assert.deepEqual([port?.service?.name, port?.port.protocol, port?.services.map(({ name }) => name)], ["b", "HTTP", ["b", "a"]]);
});

test("a target port by name is the one that the pod declares", () => {
  const declared = object("Pod", "web-1", { containers: [{ name: "app", ports: [{ name: "web", containerPort: 7000 }] }] });
  const pod = { ...declared, status: { podIP: "10.0.0.1" } };
  const named = service("a", [{ name: "http", port: 80, targetPort: "web" }]);
  assert.deepEqual(
    ports([named, pod]).map(({ targetPort }) => targetPort),
    [7000],
  );
  assert.deepEqual(ports([named]), []);
});

test("a ServiceEntry of the namespace with an endpoint at the workload's address is received", () => {
  const entry = (namespace: string): ApiObject =>
    object(
      "ServiceEntry",
      "e",
      {
        hosts: ["web.example.com"],
        resolution: "STATIC",
        location: "MESH_INTERNAL",
        ports: [{ number: 80, name: "http", protocol: "HTTP", targetPort: 9000 }],
        endpoints: [{ address: "10.0.0.1" }],
      },
      { namespace },
    );
  assert.deepEqual(
    ports([entry("default")]).map(({ targetPort, service }) => [targetPort, service?.hostname]),
    [[9000, "web.example.com"]],
  );
  assert.deepEqual(ports([entry("other")]), []);
});

test("the ingress of a Sidecar takes the place of the services' ports", () => {
  const tls = { mode: "SIMPLE", serverCertificate: "/cert", privateKey: "/key" };
  const connectionPool = { tcp: { maxConnections: 3 } };
  const found = ports([
    service("a", [{ name: "http", port: 80, targetPort: 8080 }]),
    object("Sidecar", "own", {
      ingress: [
        { port: { number: 8080, protocol: "HTTP", name: "http" }, defaultEndpoint: "127.0.0.1:9080" },
        { port: { number: 9001, protocol: "TCP", name: "tcp" }, defaultEndpoint: "0.0.0.0:9001", connectionPool },
        { port: { number: 9002, protocol: "HTTP", name: "uds" }, defaultEndpoint: "unix:///run/web.sock", captureMode: "NONE", tls },
        { port: { number: 9003, protocol: "HTTP", name: "v6" }, bind: "192.168.0.1", defaultEndpoint: "[::]:9003" },
        { port: { number: 9004, protocol: "HTTP", name: "same" } },
      ],
    }),
  ]);
  assert.deepEqual(
    found.map(({ defaultEndpoint, bind, bindToPort }) => [defaultEndpoint, bind, bindToPort]),
    [
      [{ address: "127.0.0.1", port: 9080 }, "10.0.0.1", false],
      [{ address: "10.0.0.1", port: 9001 }, "10.0.0.1", false],
      [{ address: "unix:///run/web.sock", port: 0 }, "10.0.0.1", true],
      [{ address: "fd00::1", port: 9003 }, "192.168.0.1", false],
      [undefined, "10.0.0.1", false],
    ],
  );
  assert.deepEqual([found[0]?.sidecar?.metadata.name, found[0]?.service?.name, found[1]?.service], ["own", "a", undefined]);
  assert.deepEqual([found[1]?.connectionPool, found[2]?.tls], [connectionPool, tls]);
});

test("a Sidecar without ingress leaves what the agent announced", () => {
  const announcedIngress = [{ port: { number: 9080, name: "http", protocol: "" }, bind: "127.66.0.5", defaultEndpoint: "127.0.0.1:41233" }];
  const found = ports([object("Sidecar", "own", { egress: [{ hosts: ["./*"] }] })], { interceptionMode: "NONE", announcedIngress });
  assert.deepEqual(
    found.map(({ bind, bindToPort }) => [bind, bindToPort]),
    [["127.66.0.5", true]],
  );
});
