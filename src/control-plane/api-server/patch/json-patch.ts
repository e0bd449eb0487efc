// JSON Patch (RFC 6902) on JSON that is never changed in place.
import { StatusError } from "#control-plane/config/status-error";
import { isList, isObject, member, sameJson, withMember, type Json } from "#control-plane/api-server/json";

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
  let result = value;
  let copiedBytes = 0;
  for (const operation of patch) {
    if (isObject(operation) && operation["op"] === "copy") {
      copiedBytes += JSON.stringify(at(result, pointerOf(operation["from"]))).length;
      // A few copies of the whole into itself would otherwise fill memory.
      if (copiedBytes > MAX_COPIED_BYTES)
        throw new StatusError("RequestEntityTooLarge", "the copies of a JSON patch are larger than 3 MiB");
    }
    result = applyOperation(result, operation);
  }
  return result;
}

function applyOperation(value: Json, operation: Json): Json {
  if (!isObject(operation)) throw StatusError.badRequest("an operation of a JSON patch must be an object");
  const path = pointerOf(operation["path"]);
  const given = operation["value"];
  switch (operation["op"]) {
    case "add":
      return add(value, path, required(given, "value"));
    case "remove":
      return remove(value, path);
    case "replace":
      at(value, path);
      return replace(value, path, required(given, "value"));
    case "move": {
      const from = pointerOf(operation["from"]);
      const moved = at(value, from);
      if (from.every((part, index) => part === path[index]) && path.length > from.length) throw unfit("a value cannot move into itself");
      return add(remove(value, from), path, moved);
    }
    case "copy":
      return add(value, path, at(value, pointerOf(operation["from"])));
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

/** The value with the container that `path` ends in changed. */
function change(value: Json, path: Pointer, whole: Pointer, last: (container: Json, key: string) => Json): Json {
  const [part, ...rest] = path;
  if (part === undefined) throw missing(whole);
  if (rest.length === 0) return last(value, part);
  if (isList(value)) {
    const index = indexUpTo(value.length - 1, part, whole);
    const inner = value[index];
    if (inner === undefined) throw missing(whole);
    return value.with(index, change(inner, rest, whole, last));
  }
  const inner = member(value, part);
  if (inner === undefined || !isObject(value)) throw missing(whole);
  return withMember(value, part, change(inner, rest, whole, last));
}

function add(value: Json, path: Pointer, added: Json): Json {
  if (path.length === 0) return added;
  return change(value, path, path, (container, key) => {
    if (isList(container)) return container.toSpliced(key === "-" ? container.length : indexUpTo(container.length, key, path), 0, added);
    if (!isObject(container)) throw missing(path);
    return withMember(container, key, added);
  });
}

function remove(value: Json, path: Pointer): Json {
  return change(value, path, path, (container, key) => {
    if (isList(container)) return container.toSpliced(indexUpTo(container.length - 1, key, path), 1);
    if (!isObject(container) || member(container, key) === undefined) throw missing(path);
    return withMember(container, key, undefined);
  });
}

function replace(value: Json, path: Pointer, replacement: Json): Json {
  if (path.length === 0) return replacement;
  return change(value, path, path, (container, key) => {
    if (isList(container)) return container.with(indexUpTo(container.length - 1, key, path), replacement);
    if (!isObject(container)) throw missing(path);
    return withMember(container, key, replacement);
  });
}
