// "did you mean": the known name nearest to an unknown one.

/** Levenshtein's distance with swaps of neighbours, given up above the limit. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    let best = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, (previous[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, (beforePrevious[j - 2] ?? 0) + 1);
      current.push(cost);
      best = Math.min(best, cost);
    }
    if (best > limit) return limit + 1;
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length] ?? limit + 1;
}

const longest = 64;

export function nearestName(written: string, known: Iterable<string>): string | undefined {
  if (written.length > longest) return undefined;
  const word = written.toLowerCase().replaceAll("_", "");
  // One slip in a short word, more in a long one; a distance as long as the word would suggest anything.
  const limit = word.length < 4 ? 1 : word.length < 8 ? 2 : 3;
  let nearest: string | undefined;
  let smallest = limit + 1;
  for (const name of known) {
    const steps = distance(word, name.toLowerCase().replaceAll("_", ""), limit);
    if (steps < smallest) {
      smallest = steps;
      nearest = name;
    }
  }
  return nearest;
}

export function didYouMean(written: string, known: Iterable<string>): string | undefined {
  const name = nearestName(written, known);
  return name === undefined ? undefined : `did you mean "${name}"?`;
}
