// What the generators draw from: the same seed gives the same configurations and requests, on every machine.
import { seededRandom } from "#runtime/random";

export interface Choices {
  integer(below: number): number;
  chance(share: number): boolean;
  pick<T>(list: readonly T[]): T;
  /** Between `least` and `most` of a list, in its order. */
  some<T>(list: readonly T[], least: number, most: number): T[];
}

export function choices(seed: number): Choices {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => {
    if (list.length === 0) throw new Error("nothing to choose from");
    return list[random.integer(list.length)] as T;
  };
  return {
    integer: (below) => random.integer(below),
    chance: (share) => random.next() < share,
    pick,
    some(list, least, most) {
      const wanted = least + random.integer(most - least + 1);
      const rest = list.map((_, index) => index);
      while (rest.length > wanted) rest.splice(random.integer(rest.length), 1);
      return rest.map((index) => list[index]!);
    },
  };
}
