// kubectl's JSONPath templates: text with paths in braces, `range`, filters, slices. Pure.
// https://kubernetes.io/docs/reference/kubectl/jsonpath/
import { CommandError } from "#cli/command-error";

type Step =
  | { readonly is: "field"; readonly name: string }
  | { readonly is: "descend" }
  | { readonly is: "all" }
  | { readonly is: "slice"; readonly from: number | undefined; readonly to: number | undefined; readonly by: number }
  | { readonly is: "union"; readonly steps: readonly Step[] }
  | { readonly is: "filter"; readonly left: Operand; readonly operator: string | undefined; readonly right: Operand | undefined };

type Path = readonly Step[];
type Operand = { readonly path: Path } | { readonly value: unknown };

type Part =
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "path"; readonly path: Path }
  | { readonly is: "range"; readonly path: Path; readonly parts: readonly Part[] };

export type Template = readonly Part[];

/** @throws CommandError naming what is wrong with the template */
export function parseTemplate(text: string): Template {
  const open: { readonly path: Path; readonly parts: Part[] }[] = [{ path: [], parts: [] }];
  const add = (part: Part): void => void open.at(-1)?.parts.push(part);
  let at = 0;
  while (at < text.length) {
    const brace = text.indexOf("{", at);
    if (brace === -1) {
      add({ is: "text", text: text.slice(at) });
      break;
    }
    if (brace > at) add({ is: "text", text: text.slice(at, brace) });
    const end = closing(text, brace);
    const action = text.slice(brace + 1, end).trim();
    at = end + 1;
    const range = /^range\s+(.+)$/su.exec(action)?.[1];
    if (range !== undefined) open.push({ path: parsePath(range), parts: [] });
    else if (action === "end") {
      const ended = open.length > 1 ? open.pop() : undefined;
      if (ended === undefined) throw fault(text, "an {end} without a {range}");
      add({ is: "range", ...ended });
    } else
      for (const word of actionWords(action))
        add(/^["']/u.test(word) ? { is: "text", text: unquote(word) } : { is: "path", path: parsePath(word) });
  }
  if (open.length > 1) throw fault(text, "a {range} without an {end}");
  return open[0]?.parts ?? [];
}

function fault(text: string, why: string): CommandError {
  return new CommandError(`error parsing jsonpath ${text}, ${why}`);
}

/** The brace that ends the action, not one in a text. */
function closing(text: string, start: number): number {
  let quote = "";
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at] ?? "";
    if (quote !== "") {
      if (character === "\\") at++;
      else if (character === quote) quote = "";
    } else if (character === '"' || character === "'") quote = character;
    else if (character === "}") return at;
  }
  throw fault(text, "unclosed action");
}

/** `.a .b "c"`: an action may hold several; blanks in brackets and quotes belong to the word. */
function actionWords(action: string): readonly string[] {
  const words: string[] = [];
  let word = "";
  let depth = 0;
  let quote = "";
  for (const character of action) {
    if (quote !== "") {
      if (character === quote && !word.endsWith("\\")) quote = "";
    } else if (character === '"' || character === "'") quote = character;
    else if (character === "[") depth++;
    else if (character === "]") depth--;
    else if (/\s/u.test(character) && depth === 0) {
      if (word !== "") words.push(word);
      word = "";
      continue;
    }
    word += character;
  }
  if (word !== "") words.push(word);
  return words;
}

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r" };

function unquote(word: string): string {
  return word.slice(1, -1).replaceAll(/\\(.)/gsu, (_, character: string) => ESCAPES[character] ?? character);
}

/** @throws CommandError */
export function parsePath(text: string): Path {
  const steps: Step[] = [];
  let rest = text.trim().replace(/^[$@]/u, "");
  while (rest !== "") {
    const name = /^\.?((?:[^.[\]\\\s*]|\\.)+)/u.exec(rest);
    if (rest.startsWith("..")) {
      steps.push({ is: "descend" });
      rest = rest.startsWith("..[") ? rest.slice(2) : rest.slice(1);
    } else if (rest.startsWith(".*")) {
      steps.push({ is: "all" });
      rest = rest.slice(2);
    } else if (rest.startsWith("[") || rest.startsWith(".[")) {
      const start = rest.indexOf("[");
      const end = closingBracket(text, rest, start);
      steps.push(bracketStep(text, rest.slice(start + 1, end).trim()));
      rest = rest.slice(end + 1);
    } else if (rest === ".") rest = "";
    else if (name !== null) {
      steps.push({ is: "field", name: (name[1] ?? "").replaceAll(/\\(.)/gu, "$1") });
      rest = rest.slice(name[0].length);
    } else throw fault(text, `unexpected "${rest}"`);
  }
  return steps;
}

function closingBracket(text: string, rest: string, start: number): number {
  let depth = 0;
  let quote = "";
  for (let at = start; at < rest.length; at++) {
    const character = rest[at] ?? "";
    if (quote !== "") {
      if (character === quote) quote = "";
    } else if (character === '"' || character === "'") quote = character;
    else if (character === "[") depth++;
    else if (character === "]" && --depth === 0) return at;
  }
  throw fault(text, "unterminated array");
}

function bracketStep(text: string, inside: string): Step {
  if (inside === "*") return { is: "all" };
  const filter = /^\?\((.*)\)$/su.exec(inside)?.[1];
  if (filter !== undefined) return filterStep(text, filter.trim());
  const slice = /^(-?\d+)?:(-?\d+)?(?::(-?\d+))?$/u.exec(inside);
  const number = (part: string | undefined): number | undefined => (part === undefined ? undefined : Number(part));
  if (slice !== null) return { is: "slice", from: number(slice[1]), to: number(slice[2]), by: number(slice[3]) ?? 1 };
  const items = inside.split(/,(?=(?:[^']*'[^']*')*[^']*$)/u).map((item) => item.trim());
  const steps = items.map((item): Step => {
    if (/^-?\d+$/u.test(item)) return indexStep(Number(item));
    if (/^(?:'.*'|".*")$/su.test(item)) return { is: "field", name: unquote(item) };
    throw fault(text, `invalid array index ${item}`);
  });
  const [only] = steps;
  return steps.length === 1 && only !== undefined ? only : { is: "union", steps };
}

function indexStep(index: number): Step {
  return { is: "slice", from: index, to: index === -1 ? undefined : index + 1, by: 1 };
}

function filterStep(text: string, filter: string): Step {
  const [, left = "", operator, right] = /^(.+?)\s*(?:(==|!=|<=|>=|<|>)\s*(.+))?$/su.exec(filter) ?? [];
  return { is: "filter", left: operand(text, left), operator, right: right === undefined ? undefined : operand(text, right) };
}

function operand(text: string, word: string): Operand {
  const written = word.trim();
  if (/^[@$]/u.test(written)) return { path: parsePath(written) };
  if (/^(?:'.*'|".*")$/su.test(written)) return { value: unquote(written) };
  if (/^-?\d+(?:\.\d+)?$/u.test(written)) return { value: Number(written) };
  if (written === "true" || written === "false") return { value: written === "true" };
  throw fault(text, `unrecognized "${written}" in a filter`);
}

/** The values at a path, in order; none where it leads nowhere. */
export function valuesAt(root: unknown, path: Path): readonly unknown[] {
  return path.reduce<readonly unknown[]>((values, step) => values.flatMap((value) => take(value, step)), [root]);
}

function childrenOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  return typeof value === "object" && value !== null ? Object.values(value) : [];
}

function take(value: unknown, step: Step): readonly unknown[] {
  switch (step.is) {
    case "field": {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, step.name)) return [];
      const found = (value as Readonly<Record<string, unknown>>)[step.name];
      return found === undefined ? [] : [found];
    }
    case "descend":
      return [value, ...childrenOf(value).flatMap((child) => (typeof child === "object" ? take(child, step) : []))];
    case "all":
      return childrenOf(value);
    case "slice":
      return Array.isArray(value) ? sliceOf(value as readonly unknown[], step) : [];
    case "union":
      return step.steps.flatMap((one) => take(value, one));
    case "filter":
      return childrenOf(value).filter((item) => passes(item, step));
  }
}

function sliceOf(list: readonly unknown[], { from, to, by }: Extract<Step, { is: "slice" }>): readonly unknown[] {
  const found = list.slice(from ?? 0, to);
  return by === 1 ? found : found.filter((_, index) => by > 0 && index % by === 0);
}

function passes(item: unknown, { left, operator, right }: Extract<Step, { is: "filter" }>): boolean {
  const valuesOf = (side: Operand): readonly unknown[] => ("path" in side ? valuesAt(item, side.path) : [side.value]);
  const [a] = valuesOf(left);
  if (operator === undefined || right === undefined) return valuesOf(left).length > 0;
  const [b] = valuesOf(right);
  if (a === undefined || b === undefined) return false;
  switch (operator) {
    case "==":
      return a === b;
    case "!=":
      return a !== b;
    case "<":
      return (a as number) < (b as number);
    case "<=":
      return (a as number) <= (b as number);
    case ">":
      return (a as number) > (b as number);
    default:
      return (a as number) >= (b as number);
  }
}

export function valueText(value: unknown): string {
  if (value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What the template makes of a value. Paths that lead nowhere give nothing, as in `kubectl get`. */
export function render(template: Template, root: unknown): string {
  return template
    .map((part) => {
      switch (part.is) {
        case "text":
          return part.text;
        case "path":
          return valuesAt(root, part.path).map(valueText).join(" ");
        case "range":
          return valuesAt(root, part.path)
            .map((item) => render(part.parts, item))
            .join("");
      }
    })
    .join("");
}
