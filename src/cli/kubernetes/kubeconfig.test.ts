import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { connectionFrom } from "./kubeconfig.ts";

const neverIssued = (): never => assert.fail("no plugin is asked for");

function folderOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "mizzen-kubeconfig-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const EAST = `apiVersion: v1
kind: Config
clusters:
- {name: east, cluster: {server: "https://east:6443", certificate-authority: pki/ca.crt, tls-server-name: api.east}}
users:
- {name: ann, user: {token: secret}}
- {name: basic, user: {username: ann, password: word}}
- {name: cloud, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: login, args: [a]}}}
contexts:
- {name: east, context: {cluster: east, user: ann, namespace: shop}}
- {name: basic, context: {cluster: east, user: basic}}
- {name: cloud, context: {cluster: east, user: cloud}}
- {name: torn, context: {cluster: gone, user: ann}}
current-context: east
`;

test("a context gives server, namespace, trust and token; paths are relative to the file", (t) => {
  const folder = folderOf(t, { config: EAST, "pki/ca.crt": "CERTIFICATE" });
  const found = connectionFrom([join(folder, "config")], { issue: neverIssued });
  assert.deepEqual(found, {
    name: "context east",
    server: "https://east:6443",
    namespace: "shop",
    tls: { ca: "CERTIFICATE", cert: undefined, key: undefined, servername: "api.east", rejectUnauthorized: true },
    authorization: "Bearer secret",
  });
  const basic = connectionFrom([join(folder, "config")], { context: "basic", issue: neverIssued });
  assert.equal(basic.authorization, `Basic ${Buffer.from("ann:word").toString("base64")}`);
  assert.equal(basic.namespace, "default");
});

test("of several files the first to name something wins, and files that are missing are passed over", (t) => {
  const other = EAST.replace("https://east:6443", "https://other:6443").replace("current-context: east", "current-context: west");
  const west = "clusters: [{name: west, cluster: {server: 'https://west'}}]\ncontexts: [{name: west, context: {cluster: west}}]\n";
  const folder = folderOf(t, { a: EAST, b: other, c: west, "pki/ca.crt": "CA" });
  const paths = ["missing", "a", "b", "c"].map((name) => join(folder, name));
  assert.equal(connectionFrom(paths, { issue: neverIssued }).server, "https://east:6443");
  assert.equal(connectionFrom(paths, { context: "west", issue: neverIssued }).server, "https://west");
  assert.equal(connectionFrom(paths, { server: "https://there", issue: neverIssued }).server, "https://there");
});

test("a credential plugin is asked for the token", (t) => {
  const folder = folderOf(t, { config: EAST, "pki/ca.crt": "CA" });
  const found = connectionFrom([join(folder, "config")], {
    context: "cloud",
    issue: ({ command, args }) => ({ token: `${command} ${args?.join(" ")}` }),
  });
  assert.equal(found.authorization, "Bearer login a");
});

test("what is not there is named", (t) => {
  const folder = folderOf(t, { config: EAST, empty: "kind: Config\n", broken: "a: [" });
  const from = (name: string, context?: string) => () => connectionFrom([join(folder, name)], { context, issue: neverIssued });
  assert.throws(from("config", "west"), /there is no context "west" in .*; there are east, basic, cloud, torn/);
  assert.throws(from("config", "torn"), /names the cluster "gone", which is not there/);
  assert.throws(from("config"), /ca\.crt, which the kubeconfig names, cannot be read/);
  assert.throws(from("empty"), /names no current-context/);
  assert.throws(from("broken"), /is not YAML/);
  assert.throws(from("nothing"), /nothing cannot be read/);
});
