// One string that a regular expression matches as a whole. For the expressions that people write into routes: literals, classes, groups,
// alternatives, repetition. What comes out is tried; an expression that is too clever gives nothing.

export function sampleOfRegex(expression: string): string | undefined {
  try {
    const { text, end } = alternatives(expression.replace(/^\(\?i\)/, ""), 0);
    const whole = new RegExp(`^(?:${expression.replace(/^\(\?i\)/, "")})$`, expression.startsWith("(?i)") ? "i" : "");
    return end === expression.replace(/^\(\?i\)/, "").length && whole.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

interface Part {
  readonly text: string;
  readonly end: number;
}

/** The first alternative; the others are only skipped. */
function alternatives(source: string, start: number): Part {
  let first: string | undefined;
  let at = start;
  for (;;) {
    const part = run(source, at);
    first ??= part.text;
    at = part.end;
    if (source[at] !== "|") return { text: first, end: at };
    at++;
  }
}

function run(source: string, start: number): Part {
  let text = "";
  let at = start;
  while (at < source.length && source[at] !== "|" && source[at] !== ")") {
    const atom = one(source, at);
    const { times, end } = repetition(source, atom.end);
    text += atom.text.repeat(times);
    at = end;
  }
  return { text, end: at };
}

function one(source: string, at: number): Part {
  const character = source[at] ?? "";
  if (character === "(") {
    const open = source.startsWith("(?:", at) ? at + 3 : at + 1;
    const inner = alternatives(source, open);
    return { text: inner.text, end: inner.end + 1 };
  }
  if (character === "[") return characterClass(source, at);
  if (character === ".") return { text: "x", end: at + 1 };
  if (character === "^" || character === "$") return { text: "", end: at + 1 };
  if (character !== "\\") return { text: character, end: at + 1 };
  const escaped = source[at + 1] ?? "";
  return { text: { d: "7", w: "w", s: " ", D: "x", S: "x", W: "-", b: "" }[escaped] ?? escaped, end: at + 2 };
}

function characterClass(source: string, start: number): Part {
  let end = start + 1;
  while (end < source.length && (source[end] !== "]" || end === start + 1)) end += source[end] === "\\" ? 2 : 1;
  const matcher = new RegExp(source.slice(start, end + 1));
  const text = "a 7 x A - _ / . z 0".split(" ").find((character) => matcher.test(character)) ?? "";
  return { text, end: end + 1 };
}

/** As few as allowed, but not none where one is possible. */
function repetition(source: string, at: number): { times: number; end: number } {
  const lazy = (end: number): number => (source[end] === "?" ? end + 1 : end);
  const sign = source[at];
  if (sign === "*" || sign === "+") return { times: 1, end: lazy(at + 1) };
  if (sign === "?") return { times: 1, end: lazy(at + 1) };
  const counted = /^\{(\d+)(,\d*)?\}/.exec(source.slice(at));
  return counted === null ? { times: 1, end: at } : { times: Number(counted[1]), end: lazy(at + counted[0].length) };
}
