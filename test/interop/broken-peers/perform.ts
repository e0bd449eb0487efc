// Plays acts at a real Envoy and at our proxy: what the others get, what is logged and counted, how often a host is asked. And nothing may
// be left: no connection, no stream, no timer, no descriptor.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { differences } from "./differences.ts";
import { Stage } from "./stage.ts";
import type { Act, Difference } from "./stage.ts";

/** A scene is mostly waiting; each act has proxies of its own. */
const ACTS_AT_ONCE = 3;

export function perform(acts: readonly Act[]): void {
  describe("beside Envoy", { concurrency: ACTS_AT_ONCE }, () => {
    for (const act of acts) describe(act.name, { concurrency: 1 }, () => performOne(act));
  });
}

function performOne(act: Act): void {
  const stages: Stage[] = [];

  before(async () => {
    stages.push(...(await Promise.all([Stage.build("mizzen", act), Stage.build("envoy", act)])));
  });

  after(() => Promise.all(stages.map((stage) => stage.close())));

  for (const [index, scene] of act.scenes.entries()) {
    test(scene.what, async () => {
      const compare = async (id: string): Promise<readonly string[]> => {
        const [ours, envoys] = await Promise.all(stages.map((stage) => stage.play(scene, id)));
        return differences(ours!, envoys!);
      };
      const lines = await compare(`s${index}`);
      // On a busy machine one of the two may not come as far as the scene says in its time. What the proxies do differently comes again.
      judge(scene.different === undefined && lines.length > 0 ? await compare(`s${index}again`) : lines, scene.different);
    });
  }

  test("no object of a connection or stream is kept", async () => {
    await Promise.all(stages.map((stage) => stage.keepsNoObjects()));
  });
}

function judge(lines: readonly string[], different: Difference | undefined): void {
  if (different === undefined) {
    assert.deepEqual(lines, []);
    return;
  }
  const { why, lines: pattern } = typeof different === "string" ? { why: different, lines: /^/ } : different;
  const expected = lines.filter((line) => pattern.test(line));
  assert.deepEqual(lines, expected);
  assert.notDeepEqual(expected, [], `no difference any more: ${why}`);
}
