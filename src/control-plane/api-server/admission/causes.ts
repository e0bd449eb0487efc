// Findings of validation as causes of a Status, in Kubernetes' form: `Invalid value: "x": must be a duration`.
import { parsePath } from "#api/field-path";
import type { Finding } from "#api/finding";
import type { StatusCause } from "#control-plane/config/status-error";
import type { CauseReason } from "#control-plane/api-server/refusals";
import { isList, isObject, member, type Json, type JsonObject } from "#control-plane/api-server/json";

const WORDS: Readonly<Record<CauseReason, string>> = {
  FieldValueRequired: "Required value",
  FieldValueInvalid: "Invalid value",
  FieldValueNotSupported: "Unsupported value",
  FieldValueDuplicate: "Duplicate value",
  FieldValueForbidden: "Forbidden",
};

export function causeOf(finding: Finding, object: JsonObject): StatusCause {
  const { message, hint, field = "" } = finding;
  const reason = reasonOf(message);
  const value = valueAt(object, field);
  const said = hint === undefined ? message : `${message} (${hint})`;
  const shown = reason === "FieldValueRequired" || value === undefined ? "" : `${shorten(JSON.stringify(value))}: `;
  return { reason, message: `${WORDS[reason]}: ${shown}${said}`, field };
}

function reasonOf(message: string): CauseReason {
  if (/\bis required\b|\bmust not be empty\b/u.test(message)) return "FieldValueRequired";
  if (message.startsWith("must be one of ")) return "FieldValueNotSupported";
  if (/\bstands? twice\b|\bduplicate\b/iu.test(message)) return "FieldValueDuplicate";
  if (message.startsWith("cannot stand beside ")) return "FieldValueForbidden";
  return "FieldValueInvalid";
}

function valueAt(object: JsonObject, field: string): Json | undefined {
  if (field === "") return undefined;
  // What a Secret holds is not said.
  if (object["kind"] === "Secret" && /^(?:data|stringData)\b/u.test(field)) return undefined;
  let current: Json | undefined = object;
  for (const part of parsePath(field)) {
    if (typeof part === "number") current = isList(current) ? current[part] : undefined;
    else current = isObject(current) ? member(current, part) : undefined;
  }
  return current;
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 197)}...` : text;
}

/** As a `Warning:` header has it: one line, the code for those who look it up. */
export function warningText({ message, hint, field = "", code, object }: Finding): string {
  const where = field === "" ? (object === undefined ? "" : `${object.kind}/${object.name}`) : field;
  const said = `${where === "" ? "" : `${where}: `}${message}${hint === undefined ? "" : ` (${hint})`} [${code}]`;
  return said.replaceAll(/[\r\n]+/gu, " ");
}
