// Writes sets of two objects into the store of a file until it is killed, and says each number once it was acknowledged.
import { CachedObjectStore } from "#control-plane/config/objects/cached-object-store";
import { SqliteJournal } from "#control-plane/config/sqlite/sqlite-journal";
import type { ObjectWrite } from "#control-plane/config/object-store";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { realRandom } from "#runtime/random";

const [file = "", first = "0", count = "0"] = process.argv.slice(2);
const journal = new SqliteJournal({ file });
const store = await CachedObjectStore.open({ journal, clock: realClock, random: realRandom, log: silentLog, hasNamespace: () => true });
process.stdout.write("open\n");

function writeOf(name: string, text: string): ObjectWrite {
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { text } };
  return {
    verb: "modify",
    name: { group: "", resource: "configmaps", namespace: "default", name },
    change: (current) => ({ ...object, metadata: current?.metadata ?? object.metadata }),
    mayCreate: true,
  };
}

for (let n = Number(first); n < Number(first) + Number(count); n++) {
  // One new object, and one that every set changes: both or neither.
  await store.write([writeOf(`set-${n}`, "x".repeat(500)), writeOf("last", String(n))]);
  process.stdout.write(`${n}\n`);
}
process.stdout.write("done\n");
