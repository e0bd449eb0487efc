// What the analyzers would say of a mesh with objects that are not in it yet: about these objects, and nothing that is said without them.
import { findingText, type Finding, type ObjectKey } from "#api/finding";
import { keyOf, keyString, type ApiObject } from "#api/object";
import type { DecodedObject } from "#api/parse-file";
import { objectSet } from "#control-plane/config/immutable-object-set";
import type { ObjectSet } from "#control-plane/config/object-set";
import { meshFindings, type MeshFindingInputs } from "./mesh-findings.ts";
import { atWriteTime } from "./write-time.ts";

export interface ReviewInputs extends MeshFindingInputs {
  /** Kinds that the present set may hold. */
  readonly kinds: readonly string[];
  readonly written: readonly DecodedObject[];
  /** Said of the present set. */
  readonly known: readonly Finding[];
}

export function reviewObjects(inputs: ReviewInputs): readonly Finding[] {
  const { objects, kinds, written, known } = inputs;
  const fresh = written.map((object) => asLive(object, objects));
  const keys = new Set(fresh.map((object) => keyString(keyOf(object))));
  const present = kinds.flatMap((kind) => objects.list(kind)).filter((object) => !keys.has(keyString(keyOf(object))));
  const next = objectSet(objects.version + 1, [...present, ...fresh]);
  const said = new Set(known.map(textOf));
  return meshFindings({ ...inputs, objects: next })
    .filter((finding) => concerns(finding.object, keys) && !said.has(textOf(finding)))
    .map(atWriteTime);
}

function textOf({ place: _place, ...finding }: Finding): string {
  return findingText(finding);
}

function concerns(key: ObjectKey | undefined, keys: ReadonlySet<string>): boolean {
  return key !== undefined && keys.has(keyString(key));
}

function asLive(object: DecodedObject, objects: ObjectSet): ApiObject {
  const { kind, metadata } = object;
  const before = objects.get(kind, metadata.namespace, metadata.name)?.metadata;
  return {
    ...object,
    metadata: {
      // The youngest: where age decides, what is there already wins.
      ...metadata,
      creationTimestamp: before?.creationTimestamp ?? "9999-12-31T23:59:59Z",
      generation: (before?.generation ?? 0) + 1,
      resourceVersion: "",
      uid: before?.uid ?? "",
    },
  };
}
