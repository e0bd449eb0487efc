// What a compiled configuration amounts to, as text: two that behave alike have the same fingerprint. Compiled results hold private fields
// and what closures have captured; the inspector of this very process tells both. Messages of the wire are left out: what they say must have
// been compiled into something to count.
import { Session } from "node:inspector";
import { createHash } from "node:crypto";
import { BlockList } from "node:net";

/** Digests of the wire by which unchanged parts are known again: they change with every field and say nothing. */
const DIGESTS: ReadonlySet<string> = new Set(["transportKey", "healthCheckKey"]);
const DNS_DIGEST = /^dns \S+ /;

interface RemoteObject {
  readonly type: string;
  readonly description?: string;
  readonly objectId?: string;
  readonly value?: unknown;
  readonly unserializableValue?: string;
}

interface Property {
  readonly name: string;
  readonly value?: RemoteObject;
}

interface Properties {
  readonly result: readonly Property[];
  readonly internalProperties?: readonly Property[];
  readonly privateProperties?: readonly Property[];
}

/** What the inspector alone can see in an object: names with values on its side. */
interface Hidden {
  readonly text: string;
  readonly members: readonly Property[];
}

const GROUP = "fingerprint";
const NOTHING: Hidden = { text: "", members: [] };

export class Fingerprints {
  readonly #session = new Session();
  /** Objects pass between this code and the inspector's through here. */
  readonly #given: unknown[] = [];
  #taken: readonly unknown[] = [];
  readonly #givenId: string;
  /** Functions that have captured nothing but their module: they are known by where they stand. */
  readonly #plainFunctions = new WeakMap<object, Hidden>();
  readonly #plainClasses = new WeakSet();

  constructor() {
    this.#session.connect();
    // Without the debugger the inspector does not tell scopes.
    this.#post("Debugger.enable");
    const exchange = { given: this.#given, take: (values: readonly unknown[]) => (this.#taken = values) };
    (globalThis as unknown as { fingerprintExchange: unknown }).fingerprintExchange = exchange;
    const { result } = this.#post("Runtime.evaluate", { expression: "globalThis.fingerprintExchange.given" }) as { result: RemoteObject };
    this.#givenId = result.objectId ?? "";
  }

  [Symbol.dispose](): void {
    this.#session.disconnect();
  }

  /** `around`: objects that are given to every compiler, whose insides say nothing. */
  of(root: unknown, around: readonly object[]): string {
    const numbers = new Map<object, number>(around.map((object, index) => [object, -1 - index]));
    const hash = createHash("sha256");
    let level: object[] = [];
    let next: object[] = [];
    const say = (name: string, value: unknown): void => {
      if ((typeof value !== "object" || value === null) && typeof value !== "function") {
        hash.update(`${name}=${typeof value === "string" && DNS_DIGEST.test(value) ? "digest" : `${typeof value} ${String(value)}`}\n`);
        return;
      }
      let number = numbers.get(value);
      if (number === undefined) {
        numbers.set(value, (number = numbers.size));
        next.push(value);
      }
      hash.update(`${name}=#${number}\n`);
    };
    say("root", root);
    while (next.length > 0) {
      level = next;
      next = [];
      const hidden = this.#hiddenOf(level);
      for (const [index, object] of level.entries()) {
        hash.update(`#${numbers.get(object)} ${textOf(object)} ${hidden[index]?.text ?? ""}\n`);
        for (const [name, value] of membersOf(object)) say(name, value);
        for (const [name, value] of hidden[index]?.members ?? []) say(name, value);
      }
    }
    this.#post("Runtime.releaseObjectGroup", { objectGroup: GROUP });
    return hash.digest("base64url");
  }

  #hiddenOf(objects: readonly object[]): { readonly text: string; readonly members: readonly (readonly [string, unknown])[] }[] {
    const opaque = objects.map((object) => !mayHide(object) || this.#plainClasses.has(Object.getPrototypeOf(object) as object));
    const asked = objects.filter((object, index) => opaque[index] === false && !this.#plainFunctions.has(object));
    const ids = this.#idsOf(asked);
    const found = new Map(asked.map((object, index) => [object, this.#inspect(object, ids[index] ?? "")]));
    const all = objects.map((object) => found.get(object) ?? this.#plainFunctions.get(object) ?? NOTHING);
    const values = this.#fetch(all.flatMap(({ members }) => members));
    let at = 0;
    return all.map(({ text, members }) => ({ text, members: members.map(({ name }) => [name, values[at++]] as const) }));
  }

  #inspect(object: object, id: string): Hidden {
    const { internalProperties = [], privateProperties = [] } = this.#properties(id);
    if (typeof object !== "function") {
      if (privateProperties.length === 0) this.#plainClasses.add(Object.getPrototypeOf(object) as object);
      return { text: "", members: privateProperties.filter(({ value }) => value !== undefined && value.type !== "function") };
    }
    const internal = (name: string): RemoteObject | undefined => internalProperties.find((property) => property.name === name)?.value;
    const scopes = internal("[[Scopes]]")?.objectId;
    const hidden = {
      text: JSON.stringify(internal("[[FunctionLocation]]")?.value ?? object.name),
      members: [
        ...internalProperties.filter(({ name }) => name === "[[TargetFunction]]" || name === "[[BoundThis]]"),
        // Of one run of a function; what belongs to modules is the same for all.
        ...(scopes === undefined ? [] : this.#properties(scopes).result).filter(({ value }) =>
          /^(Closure|Block|Catch|With)\b/.test(value?.description ?? ""),
        ),
      ],
    };
    if (hidden.members.length === 0) this.#plainFunctions.set(object, hidden);
    return hidden;
  }

  #properties(objectId: string): Properties {
    return this.#post("Runtime.getProperties", { objectId, ownProperties: true }) as Properties;
  }

  #idsOf(objects: readonly object[]): string[] {
    if (objects.length === 0) return [];
    this.#given.splice(0, Number.POSITIVE_INFINITY, ...objects);
    const { result } = this.#properties(this.#givenId);
    return objects.map((_, index) => result.find(({ name }) => name === String(index))?.value?.objectId ?? "");
  }

  /** The values themselves. */
  #fetch(properties: readonly Property[]): readonly unknown[] {
    if (properties.length === 0) return [];
    this.#post("Runtime.callFunctionOn", {
      objectId: this.#givenId,
      functionDeclaration: "function (...values) { globalThis.fingerprintExchange.take(values); }",
      arguments: properties.map(({ value }) => argumentOf(value)),
    });
    return this.#taken;
  }

  #post(method: string, params: object = {}): unknown {
    let answer: unknown;
    let failure: Error | null = null;
    // In the same thread the answer comes before `post` returns.
    this.#session.post(method, params, (error: Error | null, result?: object) => {
      failure = error;
      answer = result;
    });
    if (failure !== null) throw failure as Error;
    return answer;
  }
}

function argumentOf(value: RemoteObject | undefined): object {
  if (value?.objectId !== undefined) return { objectId: value.objectId };
  return value?.unserializableValue === undefined ? { value: value?.value } : { unserializableValue: value.unserializableValue };
}

/** Plain objects and lists show all that they have. */
function mayHide(object: object): boolean {
  if (typeof object === "function") return true;
  if ("$typeName" in object || object instanceof RegExp || ArrayBuffer.isView(object)) return false;
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype !== null && prototype !== Object.prototype && prototype !== Array.prototype;
}

function textOf(object: object): string {
  if ("$typeName" in object) return `message ${String(object.$typeName)}`;
  if (object instanceof RegExp) return String(object);
  if (object instanceof BlockList) return `BlockList ${object.rules.join()}`;
  if (ArrayBuffer.isView(object)) return Buffer.from(object.buffer, object.byteOffset, object.byteLength).toString("base64");
  return typeof object === "function" ? "function" : (object.constructor?.name ?? "null");
}

function* membersOf(object: object): Generator<readonly [string, unknown]> {
  if ("$typeName" in object || ArrayBuffer.isView(object)) return;
  if (object instanceof Map) {
    for (const [key, value] of object) {
      yield ["key", key];
      yield ["value", value];
    }
  } else if (object instanceof Set) for (const value of object) yield ["member", value];
  for (const key of Object.keys(object)) {
    if (!DIGESTS.has(key)) yield [key, valueOf(object, key)];
  }
}

function valueOf(object: object, key: string): unknown {
  try {
    return (object as Readonly<Record<string, unknown>>)[key];
  } catch {
    // A variable of a scope that its function left before it got a value.
    return undefined;
  }
}
