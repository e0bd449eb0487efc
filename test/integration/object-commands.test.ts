// The commands that read and write objects, as a user types them at a running mesh.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { call, eventually, LAUNCHER, runCli, startMesh, type TestMesh } from "../harness/mesh.ts";

function reviews(subset: string, more = ""): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  labels:
    app: reviews
spec:
  hosts:
    - reviews
  http:
    - route:
        - destination:
            host: reviews
            subset: ${subset}
${more}`;
}

const FINE = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: fine\n  labels:\n    app: fine\ndata:\n  a: b\n";
const NAME = "virtualservice.networking.istio.io/reviews";

describe("objects from the command line", () => {
  let mesh: TestMesh;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "mizzen-objects-"));
    mesh = await startMesh();
  });
  after(async () => {
    await mesh?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  async function ok(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await mesh.cli(...args);
    assert.equal(code, 0, `mizzen ${args.join(" ")}: ${stderr}${stdout}`);
    return stdout;
  }

  async function refused(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await mesh.cli(...args);
    assert.equal(code, 1, `mizzen ${args.join(" ")} did not fail: ${stdout}`);
    return stderr;
  }

  it("applies: created, unchanged, configured, and says when it is live", async () => {
    const v3 = file("v3.yaml", reviews("v3"));
    assert.equal(await ok("apply", "-f", v3, "--dry-run=server"), `${NAME} created (server dry run)\n`);
    assert.equal(await ok("apply", "-f", v3, "--dry-run=client"), `${NAME} created (dry run)\n`);
    assert.match(await refused("get", "vs", "reviews"), /NotFound/);
    assert.match(await ok("apply", "-f", v3, "--wait"), /reviews created\nlive on 7 of 7 proxies in \d+ ms\n$/);
    assert.match((await call(`${mesh.gateway}/productpage`)).body, /class="stars red"/);
    assert.equal(await ok("apply", "-f", v3), `${NAME} unchanged\n`);
    assert.equal(await ok("apply", "-f", file("v1.yaml", reviews("v1")), "-o", "name"), `${NAME}\n`);
    await ok("wait", "--for=distribution", "vs/reviews");
    assert.doesNotMatch((await call(`${mesh.gateway}/productpage`)).body, /class="stars/);
  });

  it("refuses a set as a whole, with file and line, and writes none of it", async () => {
    const unknownSubset = await refused("apply", "-f", file("set.yaml", `${FINE}---\n${reviews("v9")}`));
    assert.match(unknownSubset, /IST0101.*set\.yaml:23\) referenced host\+subset in destinationrule not found: "reviews\+v9"/);
    assert.match(unknownSubset, /mizzen: nothing was written/);
    const typo = await refused("apply", "-f", file("typo.yaml", `${FINE}---\n${reviews("v1").replace("subset:", "subbset:")}`));
    assert.match(typo, /typo\.yaml:23\).*unknown field "subbset"/);
    assert.match(typo, /did you mean "subset"\?/);
    // The server says the same to who does not check first.
    assert.match(
      await refused("apply", "--validate=ignore", "-f", file("bad.yaml", `${FINE}---\n${reviews("v1", "      timeout: soon\n")}`)),
      /nothing was written/,
    );
    assert.match(await refused("get", "configmap", "fine"), /configmaps "fine" not found/);
  });

  it("leaves the objects of files to their files", async () => {
    const stderr = await refused("delete", "vs", "bookinfo");
    assert.match(stderr, /"bookinfo" is forbidden: it is read from .*bookinfo-gateway\.yaml:\d+; edit that file/);
  });

  it("shows objects in every form", async () => {
    assert.match(await ok("get", "vs"), /^NAME {7}GATEWAYS {15}HOSTS {9}AGE\nbookinfo .*\nreviews {4}.*\["reviews"\] {3}\d+s\n$/);
    assert.match(await ok("get", "vs,dr", "-o", "name"), /^virtualservice\.networking\.istio\.io\/bookinfo\n(?:.*\n)*destinationrule/);
    assert.match(await ok("get", "istio-io", "-A"), /^NAMESPACE {3}NAME[^]*\n\nNAMESPACE {3}NAME/);
    assert.equal(await ok("get", "vs", "reviews", "-o", "jsonpath={.spec.http[0].route[0].destination.subset}"), "v1");
    assert.equal(
      await ok("get", "vs", "-l", "app=reviews", "-o", "custom-columns=N:.metadata.name,H:.spec.hosts[*]"),
      "N         H\nreviews   reviews\n",
    );
    assert.match(await ok("get", "vs", "reviews", "-o", "yaml"), /^apiVersion: networking\.istio\.io\/v1\nkind: VirtualService\n/);
    assert.equal((JSON.parse(await ok("get", "vs", "-o", "json")) as { readonly items: readonly unknown[] }).items.length, 2);
    assert.match(await ok("describe", "vs/reviews"), /\nDistribution: +live on 7 of 7 proxies\nEvents: +<none>\n$/);
    assert.match(await refused("get", "vitualservices"), /did you mean "virtualservices"\?/);
  });

  it("watches", async () => {
    const child = spawn(process.execPath, [LAUNCHER, "get", "vs", "-w", "--output-watch-events", "--data-dir", mesh.dataDirectory], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    try {
      await eventually("the table is there", 10_000, () => output.includes("reviews") || undefined);
      await ok("apply", "-f", file("v2.yaml", reviews("v2")));
      await eventually("the change is told", 10_000, () => /^MODIFIED {3}reviews /m.test(output) || undefined);
    } finally {
      child.kill("SIGTERM");
      await new Promise((done) => child.on("close", done));
    }
  });

  it("tells differences by the exit code", async () => {
    assert.equal(await ok("diff", "-f", join(folder, "v2.yaml")), "");
    const { code, stdout } = await mesh.cli("diff", "-f", join(folder, "v3.yaml"));
    assert.equal(code, 1);
    assert.match(stdout, /^-\s+subset: v2$/m);
    assert.match(stdout, /^\+\s+subset: v3$/m);
  });

  it("edits in the user's editor, and saves nothing that is wrong", async () => {
    const edit = (script: string) => {
      const editor = file("editor.sh", `#!/bin/sh\n${script}\n`);
      chmodSync(editor, 0o700);
      return runCli(["edit", "vs", "reviews", "--data-dir", mesh.dataDirectory], { KUBE_EDITOR: editor });
    };
    const edited = await edit('sed -i s/v2/v3/ "$1"');
    assert.equal(edited.stdout, `${NAME} edited\n`, edited.stderr);
    assert.match((await edit("true")).stderr, /no changes made/);
    const wrong = await edit('sed -i s/hosts:/hostz:/ "$1"');
    assert.equal(wrong.code, 1);
    assert.match(wrong.stderr, /unknown field "hostz"[^]*A copy of your changes has been stored to/);
    assert.equal(await ok("get", "vs", "reviews", "-o", "jsonpath={.spec.http[0].route[0].destination.subset}"), "v3");
  });

  it("waits as kubectl does", async () => {
    assert.match(await ok("wait", "--for=jsonpath={.spec.hosts[0]}=reviews", "vs/reviews"), /condition met/);
    assert.match(await refused("wait", "--for=condition=Nothing", "vs/reviews", "--timeout=1s"), /timed out waiting/);
    const waiting = mesh.cli("wait", "--for=create", "configmap/fine", "--timeout=20s");
    await ok("apply", "-f", file("fine.yaml", FINE));
    assert.equal((await waiting).code, 0);
  });

  it("keeps versions, and writes an old one again", async () => {
    const history = await ok("history", "vs/reviews");
    assert.match(history, /^VERSION {3}TIME .*\n1 .*mizzen .*\n2 .*mizzen .*\n3 .*\n4 .*mizzen-edit /);
    assert.match(await ok("history", "vs/reviews", "--show", "2"), /subset: v1/);
    assert.equal(await ok("rollback", "vs/reviews", "--to", "2"), `${NAME} rolled back to version 2\n`);
    assert.equal(await ok("get", "vs", "reviews", "-o", "jsonpath={.spec.http[0].route[0].destination.subset}"), "v1");
    assert.match(
      await refused("rollback", "vs/reviews", "--to", "99"),
      /there is no version 99 of virtualservices "reviews"; kept are 1, 2, 3, 4, 5/,
    );
  });

  it("talks to a cluster by a kubeconfig, one object at a time", async () => {
    const kubeconfig = join(mesh.dataDirectory, "kubeconfig");
    const { code, stdout, stderr } = await runCli([
      "apply",
      "--kubeconfig",
      kubeconfig,
      "-f",
      file("two.yaml", `${FINE}---\n${reviews("v1")}`),
    ]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^configmap\/fine unchanged\nvirtualservice\.networking\.istio\.io\/reviews (?:configured|unchanged)\n$/);
    const nowhere = await runCli(["get", "vs"], { MIZZEN_DATA_DIR: folder, KUBECONFIG: kubeconfig });
    assert.equal(nowhere.code, 0, "KUBECONFIG counts where no mesh runs");
    assert.match(
      (await runCli(["get", "vs", "--kubeconfig", kubeconfig, "--context", "nothing"])).stderr,
      /there is no context "nothing" in .*; there are mizzen/,
    );
  });

  it("deletes by file, name and selector, and waits until it is gone", async () => {
    assert.equal(await ok("delete", "-f", join(folder, "fine.yaml")), 'configmap "fine" deleted from default namespace\n');
    assert.equal(await ok("delete", "vs", "-l", "app=reviews", "-o", "name"), `${NAME}\n`);
    assert.match(await refused("delete", "vs", "reviews"), /"reviews" not found/);
    assert.equal(await ok("delete", "vs", "reviews", "--ignore-not-found"), "");
  });

  it("completes kinds and names of the server", async () => {
    const complete = async (...words: string[]): Promise<string> =>
      (await runCli(["complete", "--", ...words], { MIZZEN_DATA_DIR: mesh.dataDirectory })).stdout;
    assert.match(await complete("get", "virt"), /^virtualservices$/m);
    assert.equal(await complete("get", "vs", "b"), "bookinfo\n");
  });
});
