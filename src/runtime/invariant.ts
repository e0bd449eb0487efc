/** Thrown when our own code is wrong, never for bad input: whoever owns the stream or connection catches it, resets that and counts it. */
class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** States what must hold at this point. @throws InvariantError */
export function invariant(condition: unknown, why: string): asserts condition {
  if (!condition) throw new InvariantError(`this cannot happen: ${why}`);
}
