// A real kubectl against the mesh's own Kubernetes API: each row of its table is answered as a Kubernetes API server answered it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { kubectlBinary } from "../harness/tools.ts";
import { readAnswers } from "./kubectl/answers.ts";
import { keyOf } from "./kubectl/invocation.ts";
import { difference } from "./kubectl/mask.ts";
import { essence, isForMizzen, mizzenInstead } from "./kubectl/mizzen-rows.ts";
import { startOwnServer, type OwnServer } from "./kubectl/own-server.ts";
import { runStory } from "./kubectl/runner.ts";
import { stories } from "./kubectl-table.ts";

let server: OwnServer;

before(async () => {
  server = await startOwnServer();
});
after(() => server.close());

const expected = readAnswers();

test("the table is long enough to mean something", () => {
  assert.ok(stories.reduce((sum, { rows }) => sum + rows.length, 0) >= 60);
});

for (const story of stories) {
  test(`kubectl, ${story.name}: as a Kubernetes API server answers`, { timeout: 300_000 }, async () => {
    const answers = await runStory(story, { kubectl: kubectlBinary(), kubeconfig: server.kubeconfig });
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

for (const story of stories.filter(isForMizzen)) {
  test(`mizzen in kubectl's place, ${story.name}: as kubectl says it`, { timeout: 300_000 }, async () => {
    const answers = await runStory(story, { kubectl: kubectlBinary(), kubeconfig: server.kubeconfig, instead: mizzenInstead });
    const unlike: string[] = [];
    for (const [index, row] of story.rows.entries()) {
      const key = keyOf(story, index);
      const [wanted, found] = [expected[key], answers.get(key)];
      assert.ok(wanted !== undefined && found !== undefined, `no answer to ${key}`);
      const text = difference(row, essence(wanted), essence(found));
      if (text !== undefined) unlike.push(`${key}\n${text}`);
    }
    assert.deepEqual(unlike, []);
  });
}
