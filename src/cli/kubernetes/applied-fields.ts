// Who owns the fields of an object that `kubectl apply` wrote without --server-side. Such an object's fields belong to an updating
// manager; server-side apply would refuse to change them and never remove one. They are handed over once, as kubectl does it when
// --server-side is used for the first time. So are those of a rollback, which writes what was applied before. Pure.
import type { FieldSet, KubernetesObject, ManagedFields } from "./objects.ts";

const GIVEN_UP_BY = ["kubectl-client-side-apply", "before-first-apply", "mizzen-rollback"];

export interface JsonPatchStep {
  readonly op: "replace";
  readonly path: string;
  readonly value: unknown;
}

/** The patch that hands the fields over to `manager`; undefined when there are none. It fails when the object has changed meanwhile. */
export function handOver(object: KubernetesObject, manager: string): readonly JsonPatchStep[] | undefined {
  const { managedFields = [], resourceVersion } = object.metadata;
  const isGivenUp = (one: ManagedFields): boolean =>
    one.operation === "Update" && (one.subresource ?? "") === "" && GIVEN_UP_BY.includes(one.manager ?? "");
  const given = managedFields.filter(isGivenUp);
  const [first] = given;
  if (first === undefined) return undefined;
  const own = managedFields.find((one) => one.manager === manager && one.operation === "Apply" && (one.subresource ?? "") === "");
  const fieldsV1 = [...(own === undefined ? [] : [own]), ...given].reduce<FieldSet>((all, one) => union(all, one.fieldsV1 ?? {}), {});
  const taken: ManagedFields = { ...(own ?? first), manager, operation: "Apply", fieldsV1 };
  const others = managedFields.filter((one) => one !== own && !isGivenUp(one));
  return [
    { op: "replace", path: "/metadata/managedFields", value: [taken, ...others] },
    { op: "replace", path: "/metadata/resourceVersion", value: resourceVersion },
  ];
}

function union(a: FieldSet, b: FieldSet): FieldSet {
  const all: Record<string, FieldSet> = { ...a };
  for (const [field, inner] of Object.entries(b)) {
    const before = Object.hasOwn(a, field) ? a[field] : undefined;
    all[field] = before === undefined ? inner : union(before, inner);
  }
  return all;
}
