// Clients and hosts that break off in every phase, at a real Envoy and at our proxy: what the others get, what is logged and counted, how
// often a host is asked. And nothing may be left: no connection, no stream, no descriptor.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { differences } from "./broken-peers/differences.ts";
import { HTTP1_ACTS } from "./broken-peers/http1-scenes.ts";
import { TCP_ACTS } from "./broken-peers/tcp-scenes.ts";
import { Stage } from "./broken-peers/stage.ts";

for (const act of [...HTTP1_ACTS, ...TCP_ACTS]) {
  describe(act.name, () => {
    const stages: Stage[] = [];

    before(async () => {
      stages.push(...(await Promise.all([Stage.build("mizzen", act), Stage.build("envoy", act)])));
    });

    after(() => Promise.all(stages.map((stage) => stage.close())));

    for (const [index, scene] of act.scenes.entries()) {
      test(scene.what, async () => {
        const [ours, envoys] = await Promise.all(stages.map((stage) => stage.play(scene, `s${index}`)));
        const lines = differences(ours!, envoys!);
        if (scene.different === undefined) assert.deepEqual(lines, []);
        else assert.notDeepEqual(lines, [], `no difference any more: ${scene.different}`);
      });
    }
  });
}
