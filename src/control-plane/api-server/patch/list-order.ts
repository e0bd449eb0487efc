// The order of a merged list.
import type { Json } from "#control-plane/api-server/json";

/** Those with a rank (not -1) in its order; the others keep their places. */
export function inOrder(list: readonly Json[], rank: (item: Json) => number): readonly Json[] {
  const ranks = new Map(list.map((item) => [item, rank(item)]));
  const rankOf = (item: Json): number => ranks.get(item) ?? -1;
  const ranked = list.filter((item) => rankOf(item) !== -1).sort((a, b) => rankOf(a) - rankOf(b));
  let next = 0;
  return list.map((item) => (rankOf(item) === -1 ? item : (ranked[next++] ?? item)));
}
