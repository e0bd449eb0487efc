import assert from "node:assert/strict";
import { test } from "node:test";
import { masked } from "./field-mask.ts";

test("what the paths name is kept, in lists and packed messages, with the types", () => {
  const dump = { "@type": "t", list: [{ cluster: { "@type": "c", name: "a", type: "EDS" }, version_info: "1" }], other: 1 };
  assert.deepEqual(masked(dump, ["list.cluster.name"]), { "@type": "t", list: [{ cluster: { "@type": "c", name: "a" } }] });
  assert.deepEqual(masked(dump, ["other"]), { "@type": "t", other: 1 });
  assert.deepEqual(masked(dump, ["list", "list.cluster.name"]), { "@type": "t", list: dump.list });
});

test("paths that name nothing leave nothing", () => {
  assert.equal(masked({ "@type": "t", a: 1 }, ["b", "a.b"]), undefined);
});
