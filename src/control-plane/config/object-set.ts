// What the store hands to the rest of the control plane: one immutable set of valid objects. Order is deterministic
// and says who is older: nobody sorts again by creation time, whose seconds do not tell two objects of one file apart.
import type { ApiObject } from "#api/object";

export interface ObjectSet {
  /** Grows by one with every change of the set; the same number means the same set. */
  readonly version: number;
  /** Objects of one kind, oldest first (ties: path of the file, then order in it). Empty when there are none. */
  list<Spec = unknown>(kind: string): readonly ApiObject<Spec>[];
  get<Spec = unknown>(kind: string, namespace: string, name: string): ApiObject<Spec> | undefined;
}
