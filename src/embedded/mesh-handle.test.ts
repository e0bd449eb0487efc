import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { TestContext } from "node:test";
import { claim, processStart, readHandle, runningMesh } from "./mesh-handle.ts";

function directory(t: TestContext): string {
  const path = join(mkdtempSync(join(tmpdir(), "mizzen-handle-")), "state");
  t.after(() => rmSync(join(path, ".."), { recursive: true, force: true }));
  return path;
}

describe("the handle of the running mesh", () => {
  it("is a 0600 file in a 0700 directory that names the process and its API", (t) => {
    const path = directory(t);
    const held = claim(path, ["/mesh"], 0);
    held.update({ api: { port: 4711, token: "secret" } });
    assert.equal(statSync(path).mode & 0o777, 0o700);
    assert.equal(statSync(join(path, "mesh.json")).mode & 0o777, 0o600);
    assert.deepEqual(runningMesh(path), { ...held.value });
    assert.equal(readHandle(path)?.api?.port, 4711);
    held.release();
    assert.equal(readHandle(path), undefined);
  });

  it("refuses a second mesh and says which one runs and what to do", (t) => {
    const path = directory(t);
    claim(path, ["/mesh"], 0);
    assert.throws(
      () => claim(path, ["/other"], 0),
      new RegExp(`already running: pid ${process.pid}, serving /mesh; stop it with .mizzen down.`),
    );
  });

  it("takes over what a dead process left, also when its id is in use again", (t) => {
    const path = directory(t);
    claim(path, ["/mesh"], 0);
    const file = join(path, "mesh.json");
    const handle = JSON.parse(readFileSync(file, "utf8")) as object;
    for (const left of [JSON.stringify({ ...handle, processStart: "1" }), JSON.stringify({ ...handle, pid: 2 ** 22 + 1 }), "{ cut sho"]) {
      writeFileSync(file, left);
      assert.equal(runningMesh(path), undefined);
      claim(path, ["/mesh"], 0);
      assert.equal(runningMesh(path)?.pid, process.pid);
    }
  });

  it("knows the start of a process and that there is none", () => {
    assert.notEqual(processStart(process.pid), "");
    assert.equal(processStart(2 ** 22 + 1), "");
  });
});
