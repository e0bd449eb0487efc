// Label selectors as kubectl and clients write them: `app=reviews,version!=v3,env in (a,b),!canary`.
import { StatusError } from "#control-plane/config/status-error";

type Labels = Readonly<Record<string, string>>;
type Requirement = (labels: Labels) => boolean;

const name = /^(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/u;
const value = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/u;
const inSet = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/u;
const compared = /^([^=!<>\s]+)\s*(==|=|!=|<|>)\s*(\S*)$/u;

function refuse(why: string): never {
  throw StatusError.badRequest(`unable to parse requirement: ${why}`);
}

function checkedName(text: string): string {
  if (!name.test(text)) refuse(`${JSON.stringify(text)} is no label key`);
  return text;
}

function checkedValue(text: string): string {
  if (!value.test(text)) refuse(`${JSON.stringify(text)} is no label value`);
  return text;
}

/** Commas within parentheses part values, not requirements. */
function requirementTexts(text: string): readonly string[] {
  const parts = text.match(/(?:[^,()]|\([^()]*\))+/gu) ?? [];
  if (parts.join(",") !== text) refuse(JSON.stringify(text));
  return parts.map((part) => part.trim());
}

function requirement(text: string): Requirement {
  const set = inSet.exec(text);
  if (set !== null) {
    const key = checkedName(set[1] ?? "");
    const values = new Set((set[3] ?? "").split(",").map((part) => checkedValue(part.trim())));
    if (set[2] === "in") return (labels) => Object.hasOwn(labels, key) && values.has(labels[key] ?? "");
    return (labels) => !Object.hasOwn(labels, key) || !values.has(labels[key] ?? "");
  }
  const comparison = compared.exec(text);
  if (comparison !== null) {
    const [, left = "", operator = "", right = ""] = comparison;
    const key = checkedName(left);
    if (operator === "<" || operator === ">") {
      const bound = Number(right);
      if (!Number.isSafeInteger(bound) || right === "") refuse(`for ${operator} the value must be an integer`);
      return (labels) => {
        const own = Object.hasOwn(labels, key) ? Number(labels[key]) : Number.NaN;
        return operator === "<" ? own < bound : own > bound;
      };
    }
    const wanted = checkedValue(right);
    // As in Kubernetes, `!=` also takes objects that do not have the label.
    if (operator === "!=") return (labels) => !Object.hasOwn(labels, key) || labels[key] !== wanted;
    return (labels) => Object.hasOwn(labels, key) && labels[key] === wanted;
  }
  if (text.startsWith("!")) {
    const key = checkedName(text.slice(1).trim());
    return (labels) => !Object.hasOwn(labels, key);
  }
  const key = checkedName(text);
  return (labels) => Object.hasOwn(labels, key);
}

const NO_LABELS: Labels = {};

/** Undefined: everything is selected. @throws StatusError BadRequest */
export function parseLabelSelector(text: string | undefined): ((labels: Labels | undefined) => boolean) | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  const requirements = requirementTexts(text.trim()).map(requirement);
  return (labels = NO_LABELS) => requirements.every((holds) => holds(labels));
}
