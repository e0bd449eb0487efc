// What every object store must do, as tests: Kubernetes' behaviour, word for word where clients look at words. A store's own test
// gives this suite a bench; on a Kubernetes API server it holds as well, apart from what only we have.
import test from "node:test";
import { realClock } from "#runtime/clock";
import { compaction, listsAndWatches } from "./conformance/lists-and-watches.ts";
import { namespacesAndOwners } from "./conformance/namespaces-and-owners.ts";
import { namespaceObject, NAMESPACES, Room, type Check, type ObjectStoreBench, type ObjectStoreTraits } from "./conformance/room.ts";
import { sets } from "./conformance/sets.ts";
import { writes } from "./conformance/writes.ts";

export type { ObjectStoreBench } from "./conformance/room.ts";

export function objectStoreConformance(what: string, open: () => Promise<ObjectStoreBench>, traits: ObjectStoreTraits): void {
  let rooms = 0;
  const check: Check = (name, body) => {
    test(`${what}: ${name}`, async () => {
      const bench = await open();
      try {
        const namespace = `conformance-${realClock.wallMs().toString(36)}-${++rooms}`;
        const of = { ...NAMESPACES, namespace: "", name: namespace };
        await bench.store.write([{ verb: "create", name: of, object: namespaceObject(namespace) }]);
        await body(new Room(bench.store, namespace), bench);
        await bench.store.write([{ verb: "delete", name: of }]);
      } finally {
        await bench.close();
      }
    });
  };

  writes(check);
  listsAndWatches(check);
  namespacesAndOwners(check);
  if (traits.transactions) sets(check);
  const { compact } = traits;
  if (compact !== undefined) compaction(check, compact);
}
