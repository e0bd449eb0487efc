import assert from "node:assert/strict";
import { test } from "node:test";
import { statName, type StatNameInputs } from "./stat-name.ts";
import { HTTP_PORT, serviceOf } from "./testing.ts";

function name(pattern: string | undefined, over: Partial<StatNameInputs> = {}): string {
  return statName({
    pattern,
    clusterName: "outbound|80||web",
    service: serviceOf(),
    port: HTTP_PORT,
    subset: "v1",
    targetPort: 8080,
    ...over,
  });
}

test("without a pattern statistics use the cluster's name", () => {
  assert.equal(name(undefined), "outbound|80||web;");
  assert.equal(name(""), "outbound|80||web;");
  assert.equal(name("%SERVICE%", { service: undefined }), "outbound|80||web;");
});

test("every variable of the pattern is replaced, others stay", () => {
  assert.equal(name("%SERVICE%_%SERVICE_PORT%_%SUBSET_NAME%"), "web.default_80_v1;");
  assert.equal(
    name("%SERVICE_FQDN%.%SERVICE_NAME%.%SERVICE_PORT_NAME%.%TARGET_PORT%.%OTHER%;"),
    "web.default.svc.cluster.local.web.http.8080.%OTHER%;",
  );
});

test("a ServiceEntry's service is called by its host", () => {
  const service = serviceOf({ source: "ServiceEntry", hostname: "api.example.com", name: "entry" });
  assert.equal(name("%SERVICE%|%SERVICE_NAME%", { service }), "api.example.com|api.example.com;");
});
