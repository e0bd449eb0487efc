import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { clusterConnection } from "./cluster-connection.ts";

test("a Pod is connected by its service account, with the token as it is now", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "service-account-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const pod = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
  assert.equal(clusterConnection({}, pod, folder), undefined, "without a token it is no service account");
  writeFileSync(join(folder, "token"), "first\n");
  writeFileSync(join(folder, "ca.crt"), "CA");
  const connect = clusterConnection({}, pod, folder);
  assert.deepEqual(connect?.(), { server: "https://[fd00::1]:443", tls: { ca: "CA" }, authorization: "Bearer first" });
  writeFileSync(join(folder, "token"), "second\n");
  assert.equal(connect().authorization, "Bearer second");
  assert.equal(clusterConnection({}, {}, folder), undefined);
  assert.equal(clusterConnection({ filename: ["mesh"] }, pod, folder), undefined, "whoever names files means those");
  assert.equal(clusterConnection({ etcdServers: "http://etcd:2379" }, pod, folder), undefined);
});
