import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { MeshStatus } from "#embedded/supervisor";
import { findProxy } from "./proxy-config.ts";

const proxy = (name: string, namespace = "default") => ({ name, namespace, nodeId: `sidecar~${name}.${namespace}` });
const status = {
  proxies: [proxy("reviews-v1-1"), proxy("reviews-v2-1"), proxy("reviews-v2-10"), proxy("web-1", "a"), proxy("web-1", "b")],
} as unknown as Pick<MeshStatus, "proxies">;
const found = (wanted: string, namespace?: string): string => findProxy(status, wanted, namespace).nodeId;

describe("a proxy's name on the command line", () => {
  it("is the whole name, with or without namespace, as istioctl takes it", () => {
    assert.equal(found("reviews-v2-1"), "sidecar~reviews-v2-1.default");
    assert.equal(found("reviews-v2-1.default"), "sidecar~reviews-v2-1.default");
    assert.equal(found("pod/reviews-v1-1"), "sidecar~reviews-v1-1.default");
    assert.equal(found("web-1.b"), "sidecar~web-1.b");
    assert.equal(found("web-1", "a"), "sidecar~web-1.a");
    assert.equal(found("sidecar~web-1.a"), "sidecar~web-1.a");
  });

  it("may be begun where only one fits", () => {
    assert.equal(found("reviews-v1"), "sidecar~reviews-v1-1.default");
    assert.throws(() => found("reviews-v2"), /"reviews-v2" could be reviews-v2-1.default or reviews-v2-10.default; write more/);
    assert.throws(() => found("web-1"), /could be web-1.a or web-1.b/);
    assert.throws(() => found("nope"), /there is no proxy "nope"; the mesh has reviews-v1-1.default/);
  });
});
