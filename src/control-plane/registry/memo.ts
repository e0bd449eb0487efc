// What was made of an object is made once: objects never change, so their identity says whether anything did. `dependency` is whatever
// else went into it, as a text.

export class Memo<T> {
  #made = new WeakMap<object, { readonly dependency: string; readonly value: T }>();

  get(object: object, dependency: string, make: () => T): T {
    const known = this.#made.get(object);
    if (known !== undefined && known.dependency === dependency) return known.value;
    const value = make();
    this.#made.set(object, { dependency, value });
    return value;
  }
}

/** The older list when both hold the same things: whoever compares by identity then sees that nothing changed. */
export function sameOr<T>(before: readonly T[] | undefined, after: readonly T[]): readonly T[] {
  if (before === undefined || before.length !== after.length) return after;
  for (const [index, item] of after.entries()) if (item !== before[index]) return after;
  return before;
}
