import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectDistribution } from "#control-plane/xds/distribution";
import { CommandError } from "./command-error.ts";
import { parseObjectName } from "./object-name.ts";
import { liveText, whyNotLive } from "./object-distribution.ts";

const KINDS = ["VirtualService", "AuthorizationPolicy", "Service"];

test("objects are named as kubectl and istioctl name them", () => {
  const reviews = { kind: "VirtualService", namespace: "default", name: "reviews" };
  assert.deepEqual(parseObjectName(["VirtualService/reviews"], undefined, KINDS), reviews);
  assert.deepEqual(parseObjectName(["vs/reviews"], undefined, KINDS), reviews);
  assert.deepEqual(parseObjectName(["virtualservices", "reviews.shop"], undefined, KINDS), { ...reviews, namespace: "shop" });
  assert.deepEqual(parseObjectName(["vs", "a.b"], "shop", KINDS), { kind: "VirtualService", namespace: "shop", name: "a.b" });
  assert.equal(parseObjectName(["authorizationpolicies/x"], undefined, KINDS).kind, "AuthorizationPolicy");
  assert.throws(() => parseObjectName(["reviews"], undefined, KINDS), CommandError);
  assert.throws(() => parseObjectName(["pizza/x"], undefined, KINDS), /there is no kind "pizza"; there are/u);
});

test("enough proxies have to have the object, in the generation that was asked for", () => {
  const found: ObjectDistribution = {
    object: { kind: "VirtualService", namespace: "default", name: "reviews" },
    generation: 2,
    resourceVersion: "9",
    live: ["a", "b", "c"],
    pending: ["d"],
    refused: [{ proxy: "e", type: "RDS", message: "bad regex" }],
  };
  assert.equal(liveText(found, { threshold: 1, generation: undefined }), undefined);
  assert.equal(liveText(found, { threshold: 0.6, generation: 2 }), "live on 3 of 5 proxies");
  assert.equal(liveText(found, { threshold: 0.6, generation: 3 }), undefined);
  assert.match(whyNotLive(found), /e refused RDS: bad regex\n {2}not acknowledged yet by d/u);
});
