import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { TypedExtensionConfigSchema } from "#envoy/gen/envoy/config/core/v3/extension_pb";
import type { TypedExtensionConfig } from "#envoy/gen/envoy/config/core/v3/extension_pb";
import { CustomHeaderConfigSchema } from "#envoy/gen/envoy/extensions/http/original_ip_detection/custom_header/v3/custom_header_pb";
import { XffConfigSchema } from "#envoy/gen/envoy/extensions/http/original_ip_detection/xff/v3/xff_pb";
import { compileIpDetection, detectByForwardedFor } from "./original-ip-detection.ts";
import { PairRequestHeaderMap } from "./pair-header-map.ts";

const headers = (...lines: [string, string][]): PairRequestHeaderMap =>
  new PairRequestHeaderMap({ method: "GET", path: "/", authority: "a", scheme: "http", upgrade: undefined }, lines);
const xff = (xffNumTrustedHops: number): TypedExtensionConfig =>
  create(TypedExtensionConfigSchema, {
    name: "xff",
    typedConfig: anyPack(XffConfigSchema, create(XffConfigSchema, { xffNumTrustedHops })),
  });
const custom = (init: { headerName: string; allowExtensionToSetAddressAsTrusted?: boolean }): TypedExtensionConfig =>
  create(TypedExtensionConfigSchema, {
    name: "custom",
    typedConfig: anyPack(CustomHeaderConfigSchema, create(CustomHeaderConfigSchema, init)),
  });

test("X-Forwarded-For counts trusted hops from its end; a lone address may be internal", () => {
  const forwarded = headers(["x-forwarded-for", "1.1.1.1, 2.2.2.2,3.3.3.3"]);
  assert.deepEqual(detectByForwardedFor(0)(forwarded), { remote: { address: "3.3.3.3", port: 0 }, direct: false });
  assert.deepEqual(detectByForwardedFor(2)(forwarded), { remote: { address: "1.1.1.1", port: 0 }, direct: false });
  assert.equal(detectByForwardedFor(3)(forwarded), undefined);
  assert.equal(detectByForwardedFor(0)(headers(["x-forwarded-for", "10.0.0.1"]))?.direct, true);
  assert.equal(detectByForwardedFor(0)(headers()), undefined);
});

test("the first extension that knows the client decides", () => {
  const detect = compileIpDetection([custom({ headerName: "X-Real-IP", allowExtensionToSetAddressAsTrusted: true }), xff(1)], () =>
    assert.fail(),
  );
  const both: [string, string][] = [["x-forwarded-for", "1.1.1.1,2.2.2.2"]];
  assert.deepEqual(detect(headers(["x-real-ip", "9.9.9.9"], ...both)), { remote: { address: "9.9.9.9", port: 0 }, direct: true });
  assert.deepEqual(detect(headers(["x-real-ip", "not an address"], ...both)), { remote: { address: "1.1.1.1", port: 0 }, direct: false });
});

test("what is not known is refused by name", () => {
  const found: string[] = [];
  compileIpDetection([create(TypedExtensionConfigSchema, { name: "x" }), custom({ headerName: "" })], (field) => found.push(field));
  assert.deepEqual(found, [
    "original_ip_detection_extensions[0].typed_config",
    "original_ip_detection_extensions[1].typed_config.header_name",
  ]);
});
