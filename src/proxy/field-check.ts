// Gathers what is wrong with one resource, and finds every field that is set and that this proxy does not act on: a field is honoured,
// listed as harmless, or the resource is refused by name. Nothing is silently ignored.
import { isFieldSet } from "@bufbuild/protobuf";
import type { DescField, DescMessage, Message } from "@bufbuild/protobuf";
import type { ReflectMessage } from "@bufbuild/protobuf/reflect";
import { reflect } from "@bufbuild/protobuf/reflect";
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

/**
 * Per message type (full name) the proto names of the fields that are honoured. Messages below a listed field are checked when their
 * type is in the table too; a type that is not in the table is taken as a whole.
 */
export type HonouredFields = ReadonlyMap<string, ReadonlySet<string>>;

/** Reports every set field of `message` and below that the table does not name. */
export function checkFields(table: HonouredFields, schema: DescMessage, message: Message, path: string, violations: Violations): void {
  walk(table, reflect(schema, message, false), path, violations);
}

function walk(table: HonouredFields, message: ReflectMessage, path: string, violations: Violations): void {
  const honoured = table.get(message.desc.typeName);
  if (honoured === undefined) return;
  const prefix = path === "" ? "" : `${path}.`;
  for (const field of message.desc.fields) {
    if (!isFieldSet(message.message, field)) continue;
    if (!honoured.has(field.name)) violations.add(prefix + field.name, "not served by this proxy");
    else walkValue(table, message, field, prefix + field.name, violations);
  }
}

function walkValue(table: HonouredFields, message: ReflectMessage, field: DescField, path: string, violations: Violations): void {
  if (field.fieldKind === "message") {
    if (table.has(field.message.typeName)) walk(table, message.get(field), path, violations);
  } else if (field.fieldKind === "list" && field.listKind === "message" && table.has(field.message.typeName)) {
    let index = 0;
    for (const item of message.get(field)) walk(table, item as ReflectMessage, `${path}[${index++}]`, violations);
  }
}

/** Reports fields that this build's copy of the API does not know: a newer control plane means something by them. */
export function refuseUnknownFields(schema: DescMessage, message: Message, path: string, violations: Violations): void {
  unknownIn(reflect(schema, message, false), path, violations);
}

function unknownIn(message: ReflectMessage, path: string, violations: Violations): void {
  for (const { no } of message.getUnknown() ?? []) violations.add(path, `field ${no} of ${message.desc.name} is not known to this proxy`);
  for (const field of message.desc.fields) {
    if (!isFieldSet(message.message, field)) continue;
    if (field.fieldKind === "message") unknownIn(message.get(field), `${path}.${field.name}`, violations);
    else if (field.fieldKind === "list" && field.listKind === "message") {
      let index = 0;
      for (const item of message.get(field)) unknownIn(item as ReflectMessage, `${path}.${field.name}[${index++}]`, violations);
    } else if (field.fieldKind === "map" && field.mapKind === "message") {
      for (const [key, item] of message.get(field)) {
        unknownIn(item as ReflectMessage, `${path}.${field.name}[${JSON.stringify(key)}]`, violations);
      }
    }
  }
}
