// What an analyzer is, and what it is given.
import type { MeshConfigSpec } from "#api/mesh-config";
import type { AnalyzedObject } from "./analyzed-object.ts";
import type { MessageType } from "./messages.ts";
import type { ObjectTable } from "./object-table.ts";
import type { AnalyzedKind } from "./specs.ts";

export interface Where {
  /** Tells two findings of the same text apart: one that stands at two fields is reported for both. */
  readonly field?: string | undefined;
  /** Only says where to look: of findings with the same text one is reported. */
  readonly near?: string | undefined;
  readonly hint?: string | undefined;
}

export type Report = <Arguments extends readonly unknown[]>(
  object: AnalyzedObject,
  type: MessageType<Arguments>,
  values: Arguments,
  where?: Where,
) => void;

export interface AnalysisContext {
  readonly objects: ObjectTable;
  /** With the defaults below it. */
  readonly meshConfig: MeshConfigSpec;
  /** Now, for certificates that have expired. */
  readonly wallMs: number;
  readonly report: Report;
}

export interface Analyzer {
  /** istioctl's name for it. */
  readonly name: string;
  readonly description: string;
  readonly inputs: readonly AnalyzedKind[];
  /** Kinds without any object of which it can say nothing: what a file does not hold may well exist elsewhere. */
  readonly needs?: readonly AnalyzedKind[];
  /** False: runs only when it is asked for by name. */
  readonly inAll?: boolean;
  readonly analyze: (context: AnalysisContext) => void;
}

/** `namespace/name`, or the name of what has no namespace. */
export function fullName({ key }: AnalyzedObject): string {
  return key.namespace === "" ? key.name : `${key.namespace}/${key.name}`;
}
