// What commands are pointed at: `vs`, `vs,dr`, `vs reviews ratings`, `vs/reviews dr/reviews`. Pure.
import { CommandError } from "#cli/command-error";

export interface ResourceArgument {
  /** As typed: a resource or a category. */
  readonly word: string;
  /** Absent: all of them. */
  readonly name?: string;
}

/** @throws CommandError for words that do not go together */
export function parseResourceArguments(words: readonly string[]): readonly ResourceArgument[] {
  const [first, ...names] = words;
  if (first === undefined) throw new CommandError("name what you mean: a kind like virtualservices, or VirtualService/reviews", 2);
  if (words.some((word) => word.includes("/"))) {
    return words.map((word) => {
      const [kind = "", name = "", ...more] = word.split("/");
      if (kind === "" || name === "" || more.length > 0)
        throw new CommandError(
          `there is no need to specify a resource type as a separate argument when passing arguments in resource/name form: ${word}`,
          2,
        );
      return { word: kind, name };
    });
  }
  const kinds = first.split(",").filter((kind) => kind !== "");
  return kinds.flatMap((word) => (names.length === 0 ? [{ word }] : names.map((name) => ({ word, name }))));
}
