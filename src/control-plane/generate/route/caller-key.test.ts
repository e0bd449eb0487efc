import assert from "node:assert/strict";
import { test } from "node:test";
import { viewOf, type ProxyOptions } from "#control-plane/generate/testing";
import { callerKey } from "./caller-key.ts";

test("proxies share route configurations unless something differs that these depend on", () => {
  const key = (options: ProxyOptions): string => callerKey(viewOf("", options));
  const plain = key({ metadata: { LABELS: { app: "a", version: "1" } } });
  assert.equal(key({ metadata: { LABELS: { version: "1", app: "a" }, NAME: "other", NODE_NAME: "node-2" } }), plain);
  const others: readonly ProxyOptions[] = [
    { namespace: "shop", metadata: { LABELS: { app: "a", version: "1" } } },
    { metadata: { LABELS: { app: "b", version: "1" } } },
    { metadata: { LABELS: { app: "a", version: "1" }, GENERATOR: "grpc" } },
    { metadata: { LABELS: { app: "a", version: "1" }, INSTANCE_IPS: "10.0.0.1,fd00::1" } },
    { metadata: { LABELS: { app: "a", version: "1" }, DNS_CAPTURE: "true" } },
    { metadata: { LABELS: { app: "a", version: "1" }, HTTP_PROXY_BIND: "127.0.0.1", HTTP_PROXY_PORT: "15001" } },
    { metadata: { LABELS: { app: "a", version: "1" }, PROXY_CONFIG: { proxyHeaders: { attemptCount: { disabled: true } } } } },
  ];
  assert.equal(new Set([plain, ...others.map(key)]).size, others.length + 1);
});
