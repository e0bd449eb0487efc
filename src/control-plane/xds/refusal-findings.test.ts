import assert from "node:assert/strict";
import { test } from "node:test";
import { LISTENER_TYPE } from "#envoy/type-urls";
import { refusalFindings } from "./refusal-findings.ts";

test("what a proxy refuses is an error finding that names the proxy and the reason", () => {
  const node = { name: "istio-ingressgateway-1", namespace: "istio-system" } as never;
  assert.deepEqual(
    refusalFindings([
      { node, refusals: [{ type: "LDS", typeUrl: LISTENER_TYPE, message: "port 80 is taken" }] },
      { node, refusals: [] },
    ]),
    [
      {
        level: "error",
        code: "MZ0008",
        message: "istio-ingressgateway-1.istio-system cannot serve some of its listeners: port 80 is taken",
      },
    ],
  );
});
