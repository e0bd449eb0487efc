// An object of a file as it would look if kubectl had applied the file: with the API's defaults and with kubectl's note of what was
// applied, by which `kubectl apply` of the same sees that nothing differs.
import { entriesOf, identityOf, isObject, memberAt, objectOf, textAt, withMemberAt, type JsonObject } from "#control-plane/api-server/json";
import { LAST_APPLIED } from "#control-plane/config/stored-object";
import { withDefaults } from "./defaults.ts";

/** Of the metadata, what the file does not say. */
const IDENTITY: ReadonlySet<string> = new Set(["uid", "generation", "creationTimestamp"]);
/** Kubernetes' limit for all annotations of an object; kubectl cannot apply what needs more. */
const MAX_NOTE = 256 * 1024;

export function asApplied(object: JsonObject): JsonObject {
  const kind = textAt(object, "kind");
  const whole = withDefaults(kind, object);
  // A note would show the values once more, where nobody looks for them.
  if (kind === "Secret") return whole;
  const metadata = memberAt(object, "metadata");
  const written = isObject(metadata) ? entriesOf(metadata).filter(([key]) => !IDENTITY.has(key)) : [];
  const annotations = memberAt(object, "metadata", "annotations");
  const own = isObject(annotations) ? entriesOf(annotations).filter(([key]) => key !== LAST_APPLIED) : [];
  const config: JsonObject = { ...object, metadata: objectOf([...written, ["annotations", objectOf(own)]]) };
  const note = `${goText(identityOf(config))}\n`;
  return note.length > MAX_NOTE ? whole : withMemberAt(whole, ["metadata", "annotations"], objectOf([...own, [LAST_APPLIED, note]]));
}

/** JSON with the characters escaped that Go's encoder escapes: kubectl compares texts. */
function goText(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/gu, (character) => String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
