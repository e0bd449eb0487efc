import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import * as fc from "fast-check";
import { ManualClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { decodeRegistrations, registrationFile } from "./registration-file.ts";
import { GRACE_MS, WorkloadRegistrations, type WorkloadDescription } from "./workload-registrations.ts";

const description: WorkloadDescription = {
  group: "reviews-v2",
  namespace: "default",
  workload: "reviews-v2-1",
  address: "127.66.0.5",
  labels: { app: "reviews" },
  serviceAccount: "",
  ports: { http: 9080 },
  listening: [9080],
  locality: "",
  network: "",
};

function bench(): { clock: ManualClock; registrations: WorkloadRegistrations; changes: () => number } {
  const clock = new ManualClock();
  const registrations = new WorkloadRegistrations({ clock, log: silentLog });
  let changes = 0;
  registrations.subscribe(() => changes++);
  return { clock, registrations, changes: () => changes };
}

const names = (registrations: WorkloadRegistrations): readonly string[] =>
  registrations.workloads.map(({ workload, health }) => `${workload} ${health}`);

test("an agent's stream registers a workload, its reports set the health", () => {
  const { registrations, changes } = bench();
  const session = registrations.connect(description);
  assert.deepEqual(names(registrations), ["reviews-v2-1 undefined"]);
  session?.report("HEALTHY");
  session?.report("HEALTHY");
  assert.deepEqual(names(registrations), ["reviews-v2-1 HEALTHY"]);
  session?.report("DRAINING");
  assert.deepEqual(names(registrations), ["reviews-v2-1 DRAINING"]);
  assert.equal(changes(), 3);
});

test("an entry outlives its stream by the grace, and no longer", () => {
  const { registrations, clock, changes } = bench();
  registrations.connect(description)?.end();
  clock.advance(GRACE_MS - 1);
  assert.equal(names(registrations).length, 1);
  assert.equal(changes(), 1);
  clock.advance(1);
  assert.deepEqual(names(registrations), []);
  assert.equal(changes(), 2);
});

test("an agent that comes back in time changes nothing", () => {
  const { registrations, clock, changes } = bench();
  const first = registrations.connect(description);
  first?.report("HEALTHY");
  first?.end();
  clock.advance(GRACE_MS / 2);
  registrations.connect({ ...description });
  clock.advance(GRACE_MS * 2);
  assert.deepEqual(names(registrations), ["reviews-v2-1 HEALTHY"]);
  assert.equal(changes(), 2);
});

test("a new stream takes over before the old one is seen to end", () => {
  const { registrations, clock } = bench();
  const old = registrations.connect(description);
  const next = registrations.connect({ ...description, address: "127.66.0.9" });
  old?.report("UNHEALTHY");
  old?.end();
  clock.advance(GRACE_MS * 2);
  assert.deepEqual(names(registrations), ["reviews-v2-1 undefined"]);
  assert.equal(registrations.workloads[0]?.address, "127.66.0.9");
  next?.report("HEALTHY");
  assert.deepEqual(names(registrations), ["reviews-v2-1 HEALTHY"]);
});

test("there is a limit", () => {
  const registrations = new WorkloadRegistrations({ clock: new ManualClock(), log: silentLog, maxRegistrations: 1 });
  assert.notEqual(registrations.connect(description), undefined);
  assert.equal(registrations.connect({ ...description, workload: "reviews-v2-2" }), undefined);
});

function stateFile(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "mizzen-registrations-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, "state", "workloads.json");
}

test("what is registered survives a restart, readable by its owner alone, and goes if its agent does not come back", (context) => {
  const path = stateFile(context);
  const clock = new ManualClock();
  const first = new WorkloadRegistrations({ clock, log: silentLog, file: registrationFile(path, silentLog) });
  first.connect(description)?.report("HEALTHY");
  clock.advance(20);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  first.connect({ ...description, workload: "reviews-v2-2" });
  first.close();
  assert.equal(clock.pending, 0);

  const second = new WorkloadRegistrations({ clock, log: silentLog, file: registrationFile(path, silentLog) });
  assert.deepEqual(names(second), ["reviews-v2-1 HEALTHY", "reviews-v2-2 undefined"]);
  let changes = 0;
  second.subscribe(() => changes++);
  second.connect({ ...description });
  assert.equal(changes, 0, "a workload that comes back as it was is no change");
  clock.advance(GRACE_MS);
  assert.deepEqual(names(second), ["reviews-v2-1 HEALTHY"]);
});

test("a damaged file is set aside", (context) => {
  const path = stateFile(context);
  const file = registrationFile(path, silentLog);
  file.save([]);
  writeFileSync(path, '{"workloads": [{"group": 1}]}');
  assert.deepEqual(file.load(), []);
  assert.match(readFileSync(`${path}.damaged`, "utf8"), /group/);
  assert.deepEqual(file.load(), []);
});

test("whatever JSON is in the file, it is decoded or refused with a reason", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      try {
        decodeRegistrations({ workloads: [value] });
      } catch (error) {
        assert.match((error as Error).message, /^workloads/);
      }
    }),
  );
});
