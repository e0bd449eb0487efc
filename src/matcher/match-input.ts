// What a matcher tree asks of its data.

/** Undefined: there is no such thing, which nothing matches. Null: nobody can say, which ends the search. */
export type MatchInput<Data> = (data: Data) => string | undefined | null;

/** For who has no use for an input that is not there. */
export function ofText<Data, Result>(
  input: MatchInput<Data>,
  then: (data: Data, text: string) => Result,
): (data: Data) => Result | undefined | null {
  return (data) => {
    const text = input(data);
    return text === undefined || text === null ? text : then(data, text);
  };
}
