// Gathers what is wrong with one resource, and finds every field that is set and that this proxy does not act on: a field is honoured,
// listed as harmless, or the resource is refused by name. Nothing is silently ignored.
import { isFieldSet } from "@bufbuild/protobuf";
import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import type { Any } from "@bufbuild/protobuf/wkt";
import { decodeMessage } from "#envoy/decode";
import { nameOf } from "#envoy/any";
import { configRegistry } from "#envoy/config-registry";
import { HONOURED_FIELDS, WHOLE_MESSAGES } from "#proxy/honoured/table";
import { ConfigError } from "./config-error.ts";
import type { ConfigViolation } from "./config-error.ts";

/** More are not reported: a NACK must stay readable. */
const MAX_VIOLATIONS = 50;

export class Violations {
  readonly #list: ConfigViolation[] = [];
  #dropped = 0;

  readonly add = (path: string, message: string): void => {
    if (this.#list.length < MAX_VIOLATIONS) this.#list.push({ path, message });
    else this.#dropped++;
  };

  /** Takes over what a nested compile step threw. Anything but a ConfigError is a bug of ours and goes on. */
  addFrom(error: unknown, path: string): void {
    if (!(error instanceof ConfigError)) throw error;
    for (const violation of error.violations) this.add(violation.path === "" ? path : violation.path, violation.message);
  }

  /** Hands everything on to somebody else's list. */
  tell(report: (path: string, message: string) => void): void {
    for (const { path, message } of this.#list) report(path, message);
  }

  has(path: string): boolean {
    return this.#list.some((violation) => violation.path === path);
  }

  get any(): boolean {
    return this.#list.length > 0;
  }

  /** @throws ConfigError when there is any */
  throwIfAny(resource: string): void {
    if (this.#list.length === 0) return;
    const more = this.#dropped > 0 ? [{ path: "", message: `and ${this.#dropped} more` }] : [];
    throw new ConfigError(resource, [...this.#list, ...more]);
  }
}

/** Reports every set field of `message` and below that the table of honoured fields does not name, extensions in Anys included. */
export function checkFields(schema: DescMessage, message: Message, path: string, violations: Violations): void {
  const check = checkOf(schema);
  // Nearly always nothing is found, and then no path is needed: 10,000 routes are walked in one go.
  if (!accepts(message, check)) tell(message, check, path, violations);
}

/** By type: what Envoy wants set, too, where nothing could stand for it. */
const REQUIRED: Readonly<Record<string, string>> = {
  "envoy.config.core.v3.RuntimeFeatureFlag": "default_value",
  "envoy.config.core.v3.RuntimeFractionalPercent": "default_value",
};

/** What is asked of a message of one type. */
interface MessageCheck {
  readonly desc: DescMessage;
  readonly refused: readonly DescField[];
  readonly required: DescField | undefined;
  readonly inner: readonly Inner[];
}

/** A field with messages in it. */
interface Inner {
  readonly field: DescField;
  /** Undefined: an Any, whose type says what it holds. */
  readonly check: MessageCheck | undefined;
}

const checks = new Map<string, MessageCheck>();

function checkOf(desc: DescMessage): MessageCheck {
  let check = checks.get(desc.typeName);
  if (check === undefined) {
    const inner: Inner[] = [];
    const rows = HONOURED_FIELDS.get(desc.typeName);
    const required = desc.fields.find(({ name }) => name === REQUIRED[desc.typeName]);
    check = { desc, refused: desc.fields.filter(({ name }) => rows?.get(name) === undefined), required, inner };
    // Before its fields are looked at: messages may hold themselves.
    checks.set(desc.typeName, check);
    for (const field of desc.fields) {
      const row = rows?.get(field.name);
      const type = messageOf(field);
      if (row === undefined || type === undefined || WHOLE_MESSAGES.has(type.typeName)) continue;
      if (type.typeName === ANY) inner.push({ field, check: undefined });
      else if (type.typeName.startsWith("google.protobuf.")) continue;
      else if (row.kind === "honoured" || HONOURED_FIELDS.has(type.typeName)) inner.push({ field, check: checkOf(type) });
    }
  }
  return check;
}

const ANY = "google.protobuf.Any";

function messageOf(field: DescField): DescMessage | undefined {
  return field.fieldKind === "message" || field.fieldKind === "list" || field.fieldKind === "map" ? field.message : undefined;
}

function accepts(message: Message, check: MessageCheck): boolean {
  if (message.$unknown !== undefined && message.$unknown.length > 0) return false;
  if (check.required !== undefined && !isFieldSet(message, check.required)) return false;
  for (const field of check.refused) if (isFieldSet(message, field)) return false;
  for (const { field, check: innerCheck } of check.inner) {
    const value = valueOf(message, field);
    if (value === undefined) continue;
    if (field.fieldKind === "message") {
      if (!acceptsValue(value as Message, innerCheck)) return false;
    } else if (field.fieldKind === "list") {
      for (const item of value as readonly Message[]) if (!acceptsValue(item, innerCheck)) return false;
    } else {
      for (const key in value) if (!acceptsValue((value as Readonly<Record<string, Message>>)[key] as Message, innerCheck)) return false;
    }
  }
  return true;
}

function acceptsValue(value: Message, check: MessageCheck | undefined): boolean {
  if (check !== undefined) return accepts(value, check);
  const extension = unpacked(value as Any);
  return extension === undefined || accepts(extension.message, extension.check);
}

/** The same once more, for the paths. */
function tell(message: Message, check: MessageCheck, path: string, violations: Violations): void {
  const prefix = path === "" ? "" : `${path}.`;
  for (const { no } of message.$unknown ?? []) violations.add(path, `field ${no} of ${check.desc.name} is not known to this proxy`);
  for (const field of check.refused) if (isFieldSet(message, field)) violations.add(prefix + field.name, "not served by this proxy");
  const { required } = check;
  if (required !== undefined && !isFieldSet(message, required)) violations.add(prefix + required.name, "must be set");
  for (const { field, check: innerCheck } of check.inner) {
    const value = valueOf(message, field);
    if (value === undefined) continue;
    const at = prefix + field.name;
    if (field.fieldKind === "message") tellValue(value as Message, innerCheck, at, violations);
    else if (field.fieldKind === "list") {
      for (const [index, item] of (value as readonly Message[]).entries()) tellValue(item, innerCheck, `${at}[${index}]`, violations);
    } else {
      for (const [key, item] of Object.entries(value)) tellValue(item as Message, innerCheck, `${at}[${JSON.stringify(key)}]`, violations);
    }
  }
}

function tellValue(value: Message, check: MessageCheck | undefined, path: string, violations: Violations): void {
  if (check !== undefined) return tell(value, check, path, violations);
  const extension = unpacked(value as Any);
  if (extension !== undefined) tell(extension.message, extension.check, path, violations);
}

/** Undefined: whoever compiles the extension says what is wrong with it, or that there is no such extension here. */
function unpacked(any: Any): { readonly message: Message; readonly check: MessageCheck } | undefined {
  const type = nameOf(any.typeUrl);
  const desc = HONOURED_FIELDS.has(type) ? configRegistry.getMessage(type) : undefined;
  if (desc === undefined) return undefined;
  try {
    return { message: decodeMessage(desc, any.value), check: checkOf(desc) };
  } catch {
    return undefined;
  }
}

function valueOf(message: Message, field: DescField): object | undefined {
  const values = message as unknown as Readonly<Record<string, unknown>>;
  if (field.oneof === undefined) return values[field.localName] as object | undefined;
  const chosen = values[field.oneof.localName] as { readonly case: string | undefined; readonly value?: unknown };
  return chosen.case === field.localName ? (chosen.value as object) : undefined;
}
