// What the product knows of a kind that it decodes. The tables of such kinds are in kinds.ts and in the folders of their groups.
import { messageOf, type Limits, type Message, type Type } from "./declaration.ts";
import type { Check } from "./validation/violations.ts";

export interface DecodedKind {
  /** The name under which its objects live; `writtenAs` where a file says another one. */
  readonly kind: string;
  /** Two groups may have a kind of one name: Istio's Gateway and the Gateway API's. */
  readonly writtenAs: string;
  readonly apiVersions: readonly string[];
  readonly spec: Message;
  /** Of the spec as a whole: the CEL rules between its fields. */
  readonly limits: Limits | undefined;
  /** "object": the kind has no spec, its fields stand beside metadata (Secret, Endpoints). */
  readonly body: "spec" | "object";
  readonly specMayBeMissing: boolean;
  /** "none": decoded, checked and analyzed, and the mesh does nothing with it yet; "harmless": nothing is lost by that. */
  readonly effect: "full" | "none" | "harmless";
  /** Its status says something to the mesh: where a pod runs, which addresses a ServiceEntry was given. */
  readonly readsStatus: boolean;
  readonly validate: (spec: unknown, check: Check) => void;
}

type Traits = Partial<Pick<DecodedKind, "writtenAs" | "body" | "specMayBeMissing" | "effect" | "readsStatus">>;

export function decoded<Spec>(
  kind: string,
  apiVersions: readonly string[],
  type: Type<Spec>,
  validate: (spec: Spec, check: Check) => void,
  traits: Traits = {},
): DecodedKind {
  return {
    kind,
    writtenAs: kind,
    apiVersions,
    spec: messageOf(type),
    limits: type.shape.limits,
    body: "spec",
    specMayBeMissing: false,
    effect: "full",
    readsStatus: false,
    validate: (spec, check) => validate(spec as Spec, check),
    ...traits,
  };
}
