// What is done to an object before it is stored: it is of the right kind, has only known fields, gets Kubernetes' defaults, and is valid.
// Nothing invalid passes; what is valid and questionable passes with warnings.
import type { Finding } from "#api/finding";
import { parseFile } from "#api/parse-file";
import { labelKeyFault, labelValueFault, objectNameFault } from "#api/validation/names";
import { StatusError, type StatusCause } from "#control-plane/config/status-error";
import { entriesOf, isObject, member, memberAt, textAt, withMemberAt, type JsonObject } from "#control-plane/api-server/json";
import { invalid } from "#control-plane/api-server/refusals";
import type { FieldValidation } from "#control-plane/api-server/request/query";
import type { Resource } from "#control-plane/api-server/resources/resource";
import { knownPart } from "#control-plane/api-server/schema/unknown-fields";
import { causeOf, warningText } from "./causes.ts";
import { withDefaults } from "./defaults.ts";
import { needsNode, nodeWarning } from "./without-node.ts";

export interface AdmissionContext {
  readonly resource: Resource;
  readonly version: string;
  readonly fieldValidation: FieldValidation;
  /** Of fields that the schema does not know, found already. */
  readonly warn: (warning: string) => void;
}

/** An object's apiVersion and kind are those of the path. @throws StatusError BadRequest */
export function checkKind(object: JsonObject, resource: Resource, version: string): void {
  const wanted = resource.apiVersion(version);
  const [apiVersion, kind] = [textAt(object, "apiVersion"), textAt(object, "kind")];
  if (apiVersion === wanted && kind === resource.kind) return;
  throw StatusError.badRequest(
    `the object provided is unrecognized (must be of type ${resource.kind}): it says ${apiVersion || "no apiVersion"}, ${kind || "no kind"}; the API version in the data must match the expected API version (${wanted})`,
  );
}

/** The object as far as its schema goes. @throws StatusError naming the fields, where validation is strict */
export function withKnownFields(
  object: JsonObject,
  duplicates: readonly string[],
  context: AdmissionContext,
  refuse: (why: string) => StatusError,
): JsonObject {
  const { resource, version, fieldValidation, warn } = context;
  const said = duplicates.map((path) => `duplicate field ${JSON.stringify(path)}`);
  const known = knownPart(object, resource.schema(version), (path) => said.push(`unknown field ${JSON.stringify(path)}`));
  if (said.length === 0 || fieldValidation === "Ignore") return known;
  if (fieldValidation === "Strict") throw refuse(`strict decoding error: ${said.join(", ")}`);
  for (const warning of said) warn(warning);
  return known;
}

/** @throws StatusError Invalid with a cause for each field */
export function admitted(object: JsonObject, context: AdmissionContext): JsonObject {
  const { resource, warn } = context;
  const whole = withDefaults(resource.kind, object);
  const causes = metadataCauses(whole);
  if (causes.length === 0) {
    for (const finding of validate(whole, resource)) {
      if (finding.level === "error") causes.push(causeOf(finding, whole));
      // Infos but that something has no effect yet are about the form of files.
      else if (finding.level === "warning" || (finding.code === "MZ0004" && !needsNode(resource))) warn(warningText(finding));
    }
  }
  if (causes.length > 0) throw invalid(resource, textAt(whole, "metadata", "name"), causes);
  if (needsNode(resource)) warn(nodeWarning(resource));
  return whole;
}

function metadataCauses(object: JsonObject): StatusCause[] {
  const causes: StatusCause[] = [];
  const say = (field: string, value: string, fault: string | undefined): void => {
    if (fault !== undefined)
      causes.push({ reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${fault}`, field });
  };
  const metadata = memberAt(object, "metadata");
  if (!isObject(metadata)) return [{ reason: "FieldValueRequired", message: "Required value", field: "metadata" }];
  const [name, generateName] = [textAt(metadata, "name"), textAt(metadata, "generateName")];
  if (name !== "") say("metadata.name", name, objectNameFault(name));
  else if (generateName === "")
    causes.push({ reason: "FieldValueRequired", message: "Required value: name or generateName is required", field: "metadata.name" });
  else say("metadata.generateName", generateName, objectNameFault(`${generateName}x`));
  const labels = member(metadata, "labels");
  for (const [key, value] of isObject(labels) ? entriesOf(labels) : []) {
    say("metadata.labels", key, labelKeyFault(key));
    if (typeof value === "string") say("metadata.labels", value, labelValueFault(value));
  }
  return causes;
}

/** The rules of api/, which files are read by, too. */
function validate(object: JsonObject, resource: Resource): readonly Finding[] {
  const isNamed = textAt(object, "metadata", "name") !== "";
  const named = isNamed ? object : withMemberAt(object, ["metadata", "name"], `${textAt(object, "metadata", "generateName")}x`);
  const withSpec =
    resource.namespaced || textAt(named, "metadata", "namespace") === ""
      ? named
      : withMemberAt(named, ["metadata", "namespace"], undefined);
  return parseFile(JSON.stringify(withSpec), "").flatMap(({ findings }) => findings);
}
