import assert from "node:assert/strict";
import { test } from "node:test";
import { TableWriter, tableText, type ServerTable, type TableOptions } from "./server-table.ts";

const PLAIN: TableOptions = { isWide: false, headers: true, withNamespace: false, showLabels: false, labelColumns: [] };

function tableOf(...names: readonly string[]): ServerTable {
  return {
    kind: "Table",
    columnDefinitions: [{ name: "Name" }, { name: "Hosts" }, { name: "Extra", priority: 1 }],
    rows: names.map((name) => ({
      cells: [name, [name], 3],
      object: { apiVersion: "meta.k8s.io/v1", kind: "PartialObjectMetadata", metadata: { name, namespace: "shop", labels: { app: name } } },
    })),
  };
}

test("columns of the server stand as kubectl puts them", () => {
  assert.equal(tableText(tableOf("a"), PLAIN), 'NAME   HOSTS\na      ["a"]\n');
  assert.equal(tableText(tableOf("a"), { ...PLAIN, isWide: true, headers: false }), 'a     ["a"]   3\n');
  assert.equal(
    tableText(tableOf("a"), { ...PLAIN, withNamespace: true, showLabels: true, labelColumns: ["app", "x.io/none"] }),
    'NAMESPACE   NAME   HOSTS   APP   NONE   LABELS\nshop        a      ["a"]   a            app=a\n',
  );
  const kindOf = { apiVersion: "networking.istio.io/v1", kind: "VirtualService" };
  assert.match(tableText(tableOf("a"), { ...PLAIN, kindOf }), /\nvirtualservice\.networking\.istio\.io\/a {3}\["a"\]\n/);
});

test("a table that grows keeps its widths and says its columns once", () => {
  const writer = new TableWriter(PLAIN, true);
  assert.equal(writer.text(tableOf("reviews"), "ADDED"), 'EVENT      NAME      HOSTS\nADDED      reviews   ["reviews"]\n');
  const { rows } = tableOf("a");
  assert.equal(writer.text({ kind: "Table", rows: rows ?? [] }, "MODIFIED"), 'MODIFIED   a         ["a"]\n');
  assert.equal(writer.text({ kind: "Table", rows: [] }, "BOOKMARK"), "");
});
