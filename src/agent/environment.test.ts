import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { applicationEnvironment } from "./environment.ts";

const OPTIONS = {
  base: { HOME: "/home/u", PATH: "/usr/bin", MIZZEN_USER_PATH: "/opt/bin", HTTPS_PROXY: "http://corporate", GONE: undefined },
  userPath: "/opt/bin",
  binFolder: undefined,
  instance: "reviews-v2-1",
  applicationPorts: [
    { name: "http", port: 40_001 },
    { name: "grpc-admin", port: 40_002 },
  ],
  httpProxy: { address: "127.66.0.5", port: 15_001 },
};

describe("the environment of an application", () => {
  it("sends its calls through its own sidecar and nothing on loopback", () => {
    const environment = applicationEnvironment(OPTIONS);
    assert.deepEqual(environment, {
      HOME: "/home/u",
      PATH: "/opt/bin",
      PORT: "40001",
      PORT_HTTP: "40001",
      PORT_GRPC_ADMIN: "40002",
      HOST: "127.0.0.1",
      HTTP_PROXY: "http://127.66.0.5:15001",
      http_proxy: "http://127.66.0.5:15001",
      NODE_USE_ENV_PROXY: "1",
      NO_PROXY: "localhost,127.0.0.1,::1",
      no_proxy: "localhost,127.0.0.1,::1",
      no_grpc_proxy: "*",
      MIZZEN_INSTANCE: "reviews-v2-1",
    });
  });

  it("puts a folder in front of PATH when there is one", () => {
    assert.equal(applicationEnvironment({ ...OPTIONS, binFolder: "/state/bin" })["PATH"], "/state/bin:/opt/bin");
  });

  it("has no PORT when the workload declares none", () => {
    assert.equal("PORT" in applicationEnvironment({ ...OPTIONS, applicationPorts: [] }), false);
  });

  it("writes an IPv6 sidecar address in brackets", () => {
    assert.equal(applicationEnvironment({ ...OPTIONS, httpProxy: { address: "::1", port: 1 } })["http_proxy"], "http://[::1]:1");
  });
});
