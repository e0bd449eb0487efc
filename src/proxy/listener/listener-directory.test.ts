import assert from "node:assert/strict";
import { test } from "node:test";
import type { ActiveListener } from "./active-listener.ts";
import { ListenerDirectory } from "./listener-directory.ts";

function listener(...addresses: [string, number][]): ActiveListener {
  return { config: { addresses: addresses.map(([address, port]) => ({ address, port })) } } as unknown as ActiveListener;
}

test("the exact address wins over every address of the port, and families stay apart", () => {
  const directory = new ListenerDirectory();
  const exact = listener(["10.0.0.1", 80]);
  const any = listener(["0.0.0.0", 80], ["0.0.0.0", 81]);
  const anySix = listener(["::", 80]);
  directory.set("exact", exact);
  directory.set("any", any);
  directory.set("any-six", anySix);
  const at = (address: string, port: number): ActiveListener | undefined => directory.at({ address, port });
  assert.equal(at("10.0.0.1", 80), exact);
  assert.equal(at("10.0.0.2", 80), any);
  assert.equal(at("10.0.0.2", 81), any);
  assert.equal(at("10.0.0.2", 82), undefined);
  assert.equal(at("2001:db8::1", 80), anySix);
  assert.equal(at("2001:db8::1", 81), undefined);
  directory.delete("any");
  assert.equal(at("10.0.0.2", 80), anySix);
  assert.equal(at("10.0.0.2", 81), undefined);
});
