import assert from "node:assert/strict";
import { test } from "node:test";
import { placeWith } from "#control-plane/generate/cluster/testing";
import { topologyLabel } from "./topology.ts";

test("what is known of a place is its label, also where nobody wrote one", () => {
  const place = placeWith({ locality: "r/z/s", network: "n", clusterId: "c", nodeName: "node-1", labels: { app: "a" } });
  const labels = {
    "topology.kubernetes.io/region": "r",
    "topology.kubernetes.io/zone": "z",
    "topology.istio.io/subzone": "s",
    "topology.istio.io/network": "n",
    "topology.istio.io/cluster": "c",
    "kubernetes.io/hostname": "node-1",
    app: "a",
    other: "",
  };
  for (const [name, value] of Object.entries(labels)) assert.equal(topologyLabel(place, name), value, name);
});

test("a written label counts where nothing else is known", () => {
  const place = placeWith({ clusterId: "", labels: { "topology.kubernetes.io/region": "written" } });
  assert.equal(topologyLabel(place, "topology.kubernetes.io/region"), "written");
});
