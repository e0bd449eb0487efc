// What Kubernetes' API server fills in for its own kinds, as far as somebody here reads it: columns, merges by key, the mesh.
import {
  entriesOf,
  isList,
  isObject,
  member,
  memberAt,
  objectOf,
  plainText,
  withMember,
  withMemberAt,
  type Json,
  type JsonObject,
} from "#control-plane/api-server/json";

type Defaulting = (object: JsonObject) => JsonObject;

function setAt(object: JsonObject, path: readonly string[], value: Json): JsonObject {
  return memberAt(object, ...path) === undefined ? withMemberAt(object, path, value) : object;
}

function mapAt(object: JsonObject, path: readonly string[], change: (item: JsonObject) => JsonObject): JsonObject {
  const list = memberAt(object, ...path);
  if (!isList(list)) return object;
  return withMemberAt(
    object,
    path,
    list.map((item) => (isObject(item) ? change(item) : item)),
  );
}

function service(object: JsonObject): JsonObject {
  if (!isObject(object["spec"])) return object;
  const typed = setAt(setAt(object, ["spec", "type"], "ClusterIP"), ["spec", "sessionAffinity"], "None");
  const isName = memberAt(typed, "spec", "type") === "ExternalName";
  const policed = isName ? typed : setAt(typed, ["spec", "internalTrafficPolicy"], "Cluster");
  return mapAt(policed, ["spec", "ports"], (port) => {
    const withProtocol = setAt(port, ["protocol"], "TCP");
    const number = member(port, "port");
    return number === undefined ? withProtocol : setAt(withProtocol, ["targetPort"], number);
  });
}

/** stringData is for writing only. */
function secret(object: JsonObject): JsonObject {
  const typed = setAt(object, ["type"], "Opaque");
  const texts = member(typed, "stringData");
  if (!isObject(texts) || entriesOf(texts).some(([, text]) => typeof text !== "string")) return typed;
  const data = member(typed, "data");
  const encoded = entriesOf(texts).map(([key, text]): [string, Json] => [key, Buffer.from(plainText(text)).toString("base64")]);
  const all = objectOf([...(isObject(data) ? entriesOf(data) : []), ...encoded]);
  return withMember(withMember(typed, "stringData", undefined), "data", all);
}

function podSpecAt(object: JsonObject, path: readonly string[]): JsonObject {
  const ports = (container: JsonObject): JsonObject => mapAt(container, ["ports"], (port) => setAt(port, ["protocol"], "TCP"));
  let result = object;
  for (const kind of ["containers", "initContainers", "ephemeralContainers"]) result = mapAt(result, [...path, kind], ports);
  return result;
}

function withPods(object: JsonObject): JsonObject {
  return podSpecAt(isObject(object["spec"]) ? setAt(object, ["spec", "replicas"], 1) : object, ["spec", "template", "spec"]);
}

const DEFAULTS: Readonly<Record<string, Defaulting>> = {
  Service: service,
  Secret: secret,
  Pod: (object) => podSpecAt(object, ["spec"]),
  Deployment: withPods,
  StatefulSet: withPods,
  ReplicaSet: withPods,
  DaemonSet: (object) => podSpecAt(object, ["spec", "template", "spec"]),
};

export function withDefaults(kind: string, object: JsonObject): JsonObject {
  const apply = Object.hasOwn(DEFAULTS, kind) ? DEFAULTS[kind] : undefined;
  return apply === undefined ? object : apply(object);
}
