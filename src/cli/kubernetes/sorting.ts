// `--sort-by`: by what a path leads to, numbers as numbers. Pure.
import { parsePath, valuesAt, valueText } from "./jsonpath.ts";

export function sortBy<T>(items: readonly T[], written: string | undefined, objectOf: (item: T) => unknown): readonly T[] {
  if (written === undefined) return items;
  const inner = written.replace(/^\{(.*)\}$/u, "$1");
  const path = parsePath(inner.startsWith(".") || inner.startsWith("[") ? inner : `.${inner}`);
  const keyed = items.map((item) => ({ item, value: valuesAt(objectOf(item), path)[0] }));
  return keyed.toSorted((a, b) => compare(a.value, b.value)).map(({ item }) => item);
}

function compare(a: unknown, b: unknown): number {
  if (a === undefined || b === undefined) return Number(b === undefined) * -1 + Number(a === undefined);
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [textA, textB] = [valueText(a), valueText(b)];
  return textA < textB ? -1 : textA > textB ? 1 : 0;
}
