// What a client wants to get, by its Accept header: JSON of the object, a Table, its metadata alone, aggregated discovery. Protobuf is
// refused, so that clients go on to the next that they accept.
import { notAcceptable } from "#control-plane/api-server/refusals";

export interface Accepted {
  /** "" for the object itself; a kind of meta.k8s.io or apidiscovery.k8s.io otherwise. */
  readonly as: "" | "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList" | "APIGroupDiscoveryList";
  /** Of that kind. */
  readonly version: string;
}

const PLAIN: Accepted = { as: "", version: "" };
const FORMS: Readonly<Record<string, readonly [Accepted["as"], readonly string[]]>> = {
  "meta.k8s.io/Table": ["Table", ["v1", "v1beta1"]],
  "meta.k8s.io/PartialObjectMetadata": ["PartialObjectMetadata", ["v1", "v1beta1"]],
  "meta.k8s.io/PartialObjectMetadataList": ["PartialObjectMetadataList", ["v1", "v1beta1"]],
  "apidiscovery.k8s.io/APIGroupDiscoveryList": ["APIGroupDiscoveryList", ["v2", "v2beta1"]],
};

/** Clauses in the client's order (by quality); `understood` are the forms that the path has. @throws StatusError NotAcceptable */
export function negotiate(header: string, understood: readonly Accepted["as"][]): Accepted {
  const clauses = header.split(",").map(parseClause);
  if (header.trim() === "") return PLAIN;
  for (const { type, parameters } of clauses.toSorted((a, b) => b.quality - a.quality)) {
    if (type !== "application/json" && type !== "application/*" && type !== "*/*") continue;
    const as = parameters.get("as") ?? "";
    if (as === "") return PLAIN;
    const form = FORMS[`${parameters.get("g") ?? ""}/${as}`];
    const version = parameters.get("v") ?? "";
    if (form !== undefined && form[1].includes(version) && understood.includes(form[0])) return { as: form[0], version };
  }
  throw notAcceptable(["application/json"]);
}

interface Clause {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

function parseClause(text: string): Clause {
  const [type = "", ...rest] = text.split(";").map((part) => part.trim());
  const parameters = new Map(
    rest.map((part): [string, string] => {
      const equals = part.indexOf("=");
      return equals === -1 ? [part, ""] : [part.slice(0, equals), part.slice(equals + 1).replaceAll('"', "")];
    }),
  );
  const quality = Number(parameters.get("q") ?? "1");
  return { type: type.toLowerCase(), parameters, quality: Number.isNaN(quality) ? 0 : quality };
}
