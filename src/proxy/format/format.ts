// Envoy's substitution format strings, compiled once into literals and operators. Used by access logs and header mutations.
import { hostname } from "node:os";
import { wireText } from "#matcher/wire-text";
import type { StreamInfo } from "#proxy/http/stream-info";
import { compileOperator } from "./operators.ts";
import type { Operator } from "./operator.ts";
import type { OperatorOptions } from "./operators.ts";

export interface Format {
  /** Set when no operator stands in it: the same text for every stream. */
  readonly constant: string | undefined;
  /** Set when it is one operator and nothing else: JSON logs keep its type. */
  readonly single: Operator | undefined;
  format(info: StreamInfo): string;
}

export interface FormatOptions extends OperatorOptions {
  /** What stands for an unknown value: "-" in logs, "" in headers and with omit_empty_values. */
  readonly missing: string;
}

export const LOG_FORMAT: FormatOptions = { hostname: hostname(), missing: "-" };
export const HEADER_FORMAT: FormatOptions = { hostname: hostname(), missing: "" };

/** @throws Error naming what is wrong in `text` */
export function compileFormat(text: string, options: FormatOptions): Format {
  const parts: (string | Operator)[] = [];
  let literal = "";
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== "%") {
      literal += text[i];
      continue;
    }
    if (text[i + 1] === "%") {
      literal += "%";
      i++;
      continue;
    }
    const command = parseCommand(text, i);
    const operator = compileOperator(command.name, command.argument, options);
    if (literal !== "") parts.push(wireText(literal));
    literal = "";
    parts.push(command.maxLength === undefined ? operator : truncated(operator, command.maxLength));
    i = command.end;
  }
  if (literal !== "") parts.push(wireText(literal));
  return build(parts, options.missing);
}

function build(parts: readonly (string | Operator)[], missing: string): Format {
  if (parts.every((part) => typeof part === "string")) {
    const constant = parts.join("");
    return { constant, single: undefined, format: () => constant };
  }
  const only = parts.length === 1 ? parts[0] : undefined;
  return {
    constant: undefined,
    single: typeof only === "function" ? only : undefined,
    format(info) {
      let out = "";
      for (let i = 0; i < parts.length; i++) {
        const part = parts[i] as string | Operator;
        out += typeof part === "string" ? part : (part(info) ?? missing);
      }
      return out;
    },
  };
}

function truncated(operator: Operator, maxLength: number): Operator {
  return (info) => {
    const value = operator(info);
    return typeof value === "string" && value.length > maxLength ? value.slice(0, maxLength) : value;
  };
}

interface Command {
  readonly name: string;
  readonly argument: string | undefined;
  readonly maxLength: number | undefined;
  /** Where its closing "%" stands. */
  readonly end: number;
}

/** `%NAME%`, `%NAME(ARGUMENT)%`, either with `:LENGTH` before the last "%". The argument may hold "%" but no ")". */
function parseCommand(text: string, start: number): Command {
  let at = start + 1;
  while (at < text.length && /[A-Z0-9_]/.test(text[at] as string)) at++;
  const name = text.slice(start + 1, at);
  const fail = (why: string): never => {
    throw new Error(`format "${text.slice(start, start + 40)}": ${why}`);
  };
  if (name === "") fail('"%" begins no command operator; write "%%" for the character');
  let argument: string | undefined;
  if (text[at] === "(") {
    const close = text.indexOf(")", at);
    if (close < 0) fail('")" is missing');
    argument = text.slice(at + 1, close);
    at = close + 1;
  }
  let maxLength: number | undefined;
  if (text[at] === ":") {
    const digits = at + 1;
    at = digits;
    while (at < text.length && /[0-9]/.test(text[at] as string)) at++;
    if (at === digits || at - digits > 9) fail("a length must be a number of at most 9 digits");
    maxLength = Number(text.slice(digits, at));
  }
  if (text[at] !== "%") fail('the closing "%" is missing');
  return { name, argument, maxLength, end: at };
}
