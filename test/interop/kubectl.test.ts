// A real kubectl against the mesh's own Kubernetes API: each row of its table is answered as a Kubernetes API server answered it.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startControlPlane, type ControlPlane } from "#control-plane/control-plane";
import { SqliteJournal } from "#control-plane/config/sqlite/sqlite-journal";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { kubectlBinary } from "../harness/tools.ts";
import { readAnswers } from "./kubectl/answers.ts";
import { keyOf } from "./kubectl/invocation.ts";
import { difference } from "./kubectl/mask.ts";
import { runStory } from "./kubectl/runner.ts";
import { stories } from "./kubectl-table.ts";

const directory = mkdtempSync(join(tmpdir(), "mizzen-api-"));
const kubeconfig = join(directory, "kubeconfig");
let controlPlane: ControlPlane;

before(async () => {
  writeFileSync(join(directory, "mesh.yaml"), "");
  controlPlane = await startControlPlane({
    sources: [join(directory, "mesh.yaml")],
    recursive: false,
    grpc: { address: "127.0.0.1", port: 0 },
    http: { address: "127.0.0.1", port: 0 },
    api: { address: "127.0.0.1", port: 0, stateDirectory: directory, kubeconfig },
    stateDirectory: directory,
    journal: () => new SqliteJournal({ file: join(directory, "objects.db") }),
    version: "0.0.0",
    clock: realClock,
    log: silentLog,
  });
});

after(async () => {
  await controlPlane.close();
  rmSync(directory, { recursive: true });
});

const expected = readAnswers();

test("the table is long enough to mean something", () => {
  assert.ok(stories.reduce((sum, { rows }) => sum + rows.length, 0) >= 60);
});

for (const story of stories) {
  test(`kubectl, ${story.name}: as a Kubernetes API server answers`, { timeout: 300_000 }, async () => {
    const answers = await runStory(story, { kubectl: kubectlBinary(), kubeconfig });
    const unlike: string[] = [];
    for (const [index, row] of story.rows.entries()) {
      const key = keyOf(story, index);
      const [wanted, found] = [expected[key], answers.get(key)];
      assert.ok(wanted !== undefined && found !== undefined, `no answer to ${key}`);
      const text = difference(row, wanted, found);
      if (text !== undefined) unlike.push(`${key}\n${text}`);
    }
    assert.deepEqual(unlike, []);
  });
}
