import assert from "node:assert/strict";
import { test } from "node:test";
import { modifyRuntime, runtimePage } from "./runtime-pages.ts";

test("each key is shown with what each layer says, and what counts", () => {
  const layer = (name: string, values: Record<string, string>): { name: string; values: Map<string, { text: string }> } => ({
    name,
    values: new Map(Object.entries(values).map(([key, text]) => [key, { text }])),
  });
  const layers = [layer("base", { b: "1", a: "x" }), layer("admin", { b: "2", a: "" })];
  assert.deepEqual(runtimePage({ runtime: { layers, modify: () => {} } }), {
    entries: { a: { layer_values: ["x", ""], final_value: "x" }, b: { layer_values: ["1", "2"], final_value: "2" } },
    layers: ["base", "admin"],
  });
});

test("modifying takes the first value of a key, says what is wrong, and how it is used", () => {
  const changes: unknown[] = [];
  const modify = (query: string, failing = false): readonly [number | undefined, string] => {
    const runtime = {
      layers: [],
      modify: (map: ReadonlyMap<string, string>) => {
        if (failing) throw new Error("No admin layer specified");
        changes.push(Object.fromEntries(map));
      },
    };
    const { status, body } = modifyRuntime({ runtime }, new URLSearchParams(query));
    return [status, body];
  };
  assert.deepEqual(modify("a=1&b=&a=2"), [undefined, "OK\n"]);
  assert.deepEqual(changes, [{ a: "1", b: "" }]);
  assert.deepEqual(modify("a=1", true), [503, "No admin layer specified"]);
  assert.match(modify("").join(" "), /^400 usage: \/runtime_modify\?key1=value1/);
});
