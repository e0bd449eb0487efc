// JSON Patch (RFC 6902). The value is never changed in place: what a patch touches is copied once, and the copies are the patch's own
// to change, so that thousands of operations on one large container do not copy it thousands of times.
import { StatusError } from "#control-plane/config/status-error";
import { isList, isObject, member, objectOf, sameJson, type Json } from "#control-plane/api-server/json";

const MAX_OPERATIONS = 10_000;
const MAX_COPIED_BYTES = 3 * 1024 * 1024;

/** Where an operation points: `/spec/http/0`. */
type Pointer = readonly string[];

/** @throws StatusError BadRequest for what is no patch, Invalid (422) for one that does not fit the value */
export function applyJsonPatch(value: Json, patch: Json): Json {
  if (!isList(patch))
    throw StatusError.badRequest("error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch");
  if (patch.length > MAX_OPERATIONS) {
    throw new StatusError(
      "RequestEntityTooLarge",
      `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`,
    );
  }
  const copies = new Copies();
  let result = value;
  let copiedBytes = 0;
  for (const operation of patch) {
    if (isObject(operation) && operation["op"] === "copy") {
      copiedBytes += JSON.stringify(at(result, pointerOf(operation["from"]))).length;
      // A few copies of the whole into itself would otherwise fill memory.
      if (copiedBytes > MAX_COPIED_BYTES)
        throw new StatusError("RequestEntityTooLarge", "the copies of a JSON patch are larger than 3 MiB");
    }
    result = applyOperation(result, operation, copies);
  }
  return result;
}

function applyOperation(value: Json, operation: Json, copies: Copies): Json {
  if (!isObject(operation)) throw StatusError.badRequest("an operation of a JSON patch must be an object");
  const path = pointerOf(operation["path"]);
  const given = operation["value"];
  switch (operation["op"]) {
    case "add":
      return add(value, path, required(given, "value"), copies);
    case "remove":
      return remove(value, path, copies);
    case "replace":
      at(value, path);
      return replace(value, path, required(given, "value"), copies);
    case "move": {
      const from = pointerOf(operation["from"]);
      const moved = at(value, from);
      if (from.every((part, index) => part === path[index]) && path.length > from.length) throw unfit("a value cannot move into itself");
      return add(remove(value, from, copies), path, moved, copies);
    }
    case "copy":
      // A copy of its own: what is changed here later must not change there.
      return add(value, path, structuredClone(at(value, pointerOf(operation["from"]))), copies);
    case "test":
      if (sameJson(at(value, path), given ?? null)) return value;
      throw unfit(`testing value ${pointerText(path)} failed`);
    default:
      throw StatusError.badRequest(`Unexpected kind: ${JSON.stringify(operation["op"] ?? "")}`);
  }
}

function required(value: Json | undefined, name: string): Json {
  if (value === undefined) throw StatusError.badRequest(`an operation of a JSON patch lacks ${name}`);
  return value;
}

/** In Kubernetes' words; what did not fit is the error's cause, for the log. */
function unfit(why: string): StatusError {
  return new StatusError("Invalid", "the server rejected our request due to an error in our request", { cause: new Error(why) });
}

function pointerOf(text: Json | undefined): Pointer {
  if (typeof text !== "string" || (text !== "" && !text.startsWith("/"))) {
    throw StatusError.badRequest(`${JSON.stringify(text ?? null)} is no JSON pointer`);
  }
  return text
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function pointerText(path: Pointer): string {
  return `/${path.map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1")).join("/")}`;
}

function missing(path: Pointer): StatusError {
  return unfit(`the path ${pointerText(path)} does not exist`);
}

function indexUpTo(max: number, part: string, path: Pointer): number {
  if (!/^(?:0|[1-9]\d{0,8})$/u.test(part) || Number(part) > max) throw missing(path);
  return Number(part);
}

function at(value: Json, path: Pointer): Json {
  let current = value;
  for (const part of path) {
    const next = isList(current) ? current[indexUpTo(current.length - 1, part, path)] : member(current, part);
    if (next === undefined) throw missing(path);
    current = next;
  }
  return current;
}

type Container = Json[] | Record<string, Json>;

/** The containers that one patch has copied already. */
class Copies {
  readonly #made = new WeakSet<object>();

  of(value: Json, whole: Pointer): Container {
    if (!isList(value) && !isObject(value)) throw missing(whole);
    if (this.#made.has(value)) return value as Container;
    const copy = isList(value) ? [...value] : (objectOf(Object.entries(value) as [string, Json][]) as Record<string, Json>);
    this.#made.add(copy);
    return copy;
  }
}

/** Defined, not assigned: a key may be `__proto__`. */
function define(container: Record<string, Json>, key: string, value: Json): void {
  Object.defineProperty(container, key, { value, configurable: true, enumerable: true, writable: true });
}

/** The value, after `last` has changed the container that `path` ends in. */
function change(value: Json, path: Pointer, copies: Copies, last: (container: Container, key: string) => void): Json {
  const key = path.at(-1);
  if (key === undefined) throw missing(path);
  const root = copies.of(value, path);
  let container = root;
  for (const part of path.slice(0, -1)) {
    const inner = copies.of(at(container, [part]), path);
    if (Array.isArray(container)) container[Number(part)] = inner;
    else define(container, part, inner);
    container = inner;
  }
  last(container, key);
  return root;
}

function add(value: Json, path: Pointer, added: Json, copies: Copies): Json {
  if (path.length === 0) return added;
  return change(value, path, copies, (container, key) => {
    if (!Array.isArray(container)) define(container, key, added);
    else container.splice(key === "-" ? container.length : indexUpTo(container.length, key, path), 0, added);
  });
}

function remove(value: Json, path: Pointer, copies: Copies): Json {
  return change(value, path, copies, (container, key) => {
    if (Array.isArray(container)) container.splice(indexUpTo(container.length - 1, key, path), 1);
    else if (!Object.hasOwn(container, key) || !Reflect.deleteProperty(container, key)) throw missing(path);
  });
}

function replace(value: Json, path: Pointer, replacement: Json, copies: Copies): Json {
  if (path.length === 0) return replacement;
  return change(value, path, copies, (container, key) => {
    if (Array.isArray(container)) container[indexUpTo(container.length - 1, key, path)] = replacement;
    else define(container, key, replacement);
  });
}
