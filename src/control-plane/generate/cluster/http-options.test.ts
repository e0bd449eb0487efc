import assert from "node:assert/strict";
import { test } from "node:test";
import { configRegistry } from "#envoy/config-registry";
import { anyToJson } from "#envoy/any";
import { HTTP_OPTIONS, httpOptions, upstreamProtocol, type HttpOptionsInputs } from "./http-options.ts";
import { callerWith } from "./testing.ts";

const sidecar = callerWith();
const gateway = callerWith({ type: "router" });

function json(over: Partial<HttpOptionsInputs>): any {
  const options = httpOptions({ upstream: "http1", protocol: "HTTP", pool: undefined, preservesHeaderCase: false, ...over });
  const any = options[HTTP_OPTIONS];
  if (any === undefined) return undefined;
  const { "@type": _, ...fields } = anyToJson(configRegistry, any);
  return fields;
}

test("a port says what it speaks; where it does not a sidecar speaks what its application does, a gateway HTTP/1.1", () => {
  assert.equal(upstreamProtocol("GRPC", undefined, sidecar, undefined), "http2");
  assert.equal(upstreamProtocol("HTTP", undefined, sidecar, undefined), "http1");
  assert.equal(upstreamProtocol("TCP", undefined, sidecar, undefined), "http1");
  assert.equal(upstreamProtocol("AUTO", undefined, sidecar, undefined), "downstream");
  assert.equal(upstreamProtocol("AUTO", undefined, gateway, undefined), "http1");
});

test("the mesh upgrades ports that say HTTP, a rule any; useClientProtocol counts before both", () => {
  const upgrade = { http: { h2UpgradePolicy: "UPGRADE" } } as const;
  const keep = { http: { h2UpgradePolicy: "DO_NOT_UPGRADE" } } as const;
  const client = { http: { h2UpgradePolicy: "UPGRADE", useClientProtocol: true } } as const;
  assert.equal(upstreamProtocol("HTTP", undefined, sidecar, "UPGRADE"), "http2");
  assert.equal(upstreamProtocol("TCP", undefined, sidecar, "UPGRADE"), "http1");
  assert.equal(upstreamProtocol("AUTO", undefined, sidecar, "UPGRADE"), "downstream");
  assert.equal(upstreamProtocol("HTTP", keep, sidecar, "UPGRADE"), "http1");
  assert.equal(upstreamProtocol("AUTO", upgrade, sidecar, "DO_NOT_UPGRADE"), "http2");
  assert.equal(upstreamProtocol("HTTP", client, sidecar, "UPGRADE"), "downstream");
  assert.equal(upstreamProtocol("HTTP", upgrade, sidecar, "never"), "http1");
});

test("HTTP/1.1 without limits needs no options", () => {
  assert.equal(json({}), undefined);
  assert.equal(json({ pool: { http: { maxRequestsPerConnection: 0 } } }), undefined);
});

test("limits of connections come with the protocol that they are for", () => {
  assert.deepEqual(json({ pool: { http: { idleTimeout: 5000, maxRequestsPerConnection: 2 }, tcp: { maxConnectionDuration: 60_000 } } }), {
    commonHttpProtocolOptions: { idleTimeout: "5s", maxRequestsPerConnection: 2, maxConnectionDuration: "60s" },
    explicitHttpConfig: { httpProtocolOptions: {} },
  });
});

test("the idle time of HTTP counts before that of TCP", () => {
  assert.equal(json({ pool: { http: { idleTimeout: 1000 }, tcp: { idleTimeout: 9000 } } }).commonHttpProtocolOptions.idleTimeout, "1s");
  assert.equal(json({ pool: { tcp: { idleTimeout: 9000 } } }).commonHttpProtocolOptions.idleTimeout, "9s");
});

test("streams are limited and probed where HTTP/2 is spoken", () => {
  const pool = { http: { maxConcurrentStreams: 10, http2KeepAlive: { interval: 1000 } } };
  assert.deepEqual(json({ upstream: "http2", pool }), {
    commonHttpProtocolOptions: {},
    explicitHttpConfig: { http2ProtocolOptions: { maxConcurrentStreams: 10, connectionKeepalive: { interval: "1s", timeout: "5s" } } },
  });
  assert.deepEqual(json({ upstream: "downstream" }), {
    useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions: {} },
  });
});

test("header names keep their case where HTTP/1 may be spoken", () => {
  const formatter = (over: Partial<HttpOptionsInputs>): unknown => {
    const options = json({ preservesHeaderCase: true, ...over });
    const http1 = (options?.explicitHttpConfig ?? options?.useDownstreamProtocolConfig)?.httpProtocolOptions;
    return http1?.headerKeyFormat?.statefulFormatter?.name;
  };
  assert.equal(formatter({}), "preserve_case");
  assert.equal(formatter({ protocol: "AUTO", upstream: "downstream" }), "preserve_case");
  assert.equal(formatter({ protocol: "TCP" }), undefined);
  assert.equal(formatter({ protocol: "GRPC", upstream: "http2" }), undefined);
});

test("server names can be taken from each request", () => {
  assert.deepEqual(json({ autoSni: true, autoSanValidation: true }), {
    upstreamHttpProtocolOptions: { autoSni: true, autoSanValidation: true },
    explicitHttpConfig: { httpProtocolOptions: {} },
  });
});
