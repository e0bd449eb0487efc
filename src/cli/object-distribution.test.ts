import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { ObjectDistribution } from "#control-plane/xds/distribution";
import { CommandError } from "./command-error.ts";
import { parseObjectName } from "./object-name.ts";
import { realClock } from "#runtime/clock";
import { awaitLive, liveText, whyNotLive } from "./object-distribution.ts";

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

  const refused = ["1", "2", "3", "4", "5"].map((n) => ({
    proxy: `sidecar~127.0.0.${n}~app-${n}.shop~shop.svc`,
    type: "LDS",
    message: "no",
  }));
  assert.equal(
    whyNotLive({ ...found, pending: [], refused }),
    "app-1.shop refused LDS: no\n  app-2.shop refused LDS: no\n  app-3.shop refused LDS: no\n  and 2 more refused it (mizzen proxy-status)",
  );
});

test("waiting ends when all have it, when one refuses it, and when the time is over", async (t) => {
  const key = { kind: "VirtualService", namespace: "default", name: "reviews" };
  const common = { object: key, generation: 2, resourceVersion: "9", pending: [], refused: [] };
  const refusal = { proxy: "sidecar~127.0.0.1~b.default~x", type: "RDS", message: "bad regex" };
  let answers: readonly (ObjectDistribution | undefined)[] = [];
  let asked = 0;
  const server = createServer((_, response) => {
    const answer = answers[Math.min(asked++, answers.length - 1)];
    if (answer === undefined) response.writeHead(404).end("no VirtualService\n");
    else response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const wait = (timeoutMs: number, ...of: readonly (ObjectDistribution | undefined)[]) => {
    answers = of;
    asked = 0;
    return awaitLive(port, key, { threshold: 1, generation: 2, timeoutMs, endsOnRefusal: true }, realClock);
  };

  const later = await wait(
    10_000,
    undefined,
    { ...common, generation: 1, live: ["a"] },
    { ...common, live: [], pending: ["a"] },
    { ...common, live: ["a"] },
  );
  assert.equal(later.live, "live on 1 of 1 proxies");
  assert.equal(asked, 4);
  const refused = await wait(10_000, { ...common, live: ["a"], refused: [refusal] });
  assert.equal(refused.live, undefined);
  assert.match(whyNotLive(refused.found ?? assert.fail("nothing was found")), /^b\.default refused RDS: bad regex$/u);
  const missing = await wait(0, undefined);
  assert.match(missing.missing, /answered 404: no VirtualService/u);
});
