import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { proxyRows, wasCaptured } from "./proxy-status.ts";

const sidecar = (name: string) => ({
  type: "sidecar" as const,
  name,
  namespace: "default",
  nodeId: `sidecar~${name}`,
  group: name,
  state: "healthy",
  address: "127.66.0.5",
  adminPort: 15_000,
  httpProxyPort: 15_001,
  pid: 1,
  restarts: 0,
  byHand: false,
});

describe("the status of proxies", () => {
  it("shows each type, who was never used, what was refused and who is not connected", () => {
    const types = { CDS: { status: "SYNCED" }, LDS: { status: "STALE", error: "no such field" }, EDS: { status: "SYNCED" } };
    const syncz = [{ proxy: "b-1.default", node: "sidecar~b-1", istio_version: "0.1.0", types }];
    const rows = proxyRows(syncz, [sidecar("b-1"), sidecar("a-1")], new Map([["sidecar~b-1", false]]));
    assert.deepEqual(
      rows.map((row) => [row.name, Object.values(row.types).join(","), row.captured, row.errors]),
      [
        ["a-1.default", "NOT CONNECTED,NOT CONNECTED,NOT CONNECTED,NOT CONNECTED", "-", []],
        ["b-1.default", "SYNCED,STALE,SYNCED,NOT SENT", "NOT CAPTURED", ["LDS: no such field"]],
      ],
    );
  });

  it("takes a connection to the HTTP proxy port for the sign that a sidecar is used", () => {
    const stats = (value: number) => ({ stats: [{ name: "listener.127.66.0.5_15001.downstream_cx_total", value }, { histograms: {} }] });
    assert.equal(wasCaptured(stats(1), "127.66.0.5", 15_001), true);
    assert.equal(wasCaptured(stats(0), "127.66.0.5", 15_001), false);
    assert.equal(wasCaptured({ stats: [] }, "127.66.0.5", 15_001), false);
  });
});
