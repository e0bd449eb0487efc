import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { probeSpec, protocolOfPortName } from "./workload-spec.ts";

describe("a workload's probe", () => {
  it("gets Kubernetes' defaults, where 0 means not set", () => {
    assert.deepEqual(probeSpec({ httpGet: { path: "health", port: 80 }, periodSeconds: 0, timeoutSeconds: 3 }), {
      action: { type: "http", path: "/health", port: 80, host: "127.0.0.1", scheme: "http", headers: {} },
      initialDelaySeconds: 0,
      timeoutSeconds: 3,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
    });
  });

  it("knows tcp and exec, and is absent where nothing can be probed", () => {
    assert.deepEqual(probeSpec({ tcpSocket: { port: 5432 } })?.action, { type: "tcp", host: "127.0.0.1", port: 5432 });
    assert.deepEqual(probeSpec({ exec: { command: ["true"] } })?.action, { type: "exec", command: ["true"] });
    assert.equal(probeSpec({ periodSeconds: 3 }), undefined);
    assert.equal(probeSpec(undefined), undefined);
  });

  it("reads a port's protocol from its name as Istio does", () => {
    assert.deepEqual(["http", "http2-x", "grpc-web-y", "HTTP-a", "web", "httpx"].map(protocolOfPortName), [
      "HTTP",
      "HTTP2",
      "GRPC-WEB",
      "HTTP",
      "TCP",
      "TCP",
    ]);
  });
});
