// JSON merge patch (RFC 7386).
import { entriesOf, isObject, objectOf, type Json } from "#control-plane/api-server/json";

export function applyMergePatch(value: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const members = new Map(isObject(value) ? entriesOf(value) : []);
  for (const [key, change] of entriesOf(patch)) {
    if (change === null) members.delete(key);
    else members.set(key, applyMergePatch(members.get(key), change));
  }
  return objectOf(members);
}
