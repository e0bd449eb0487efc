// What a source hands to the store: the documents of one file, decoded by api/. Positions stay here, beside the objects: they
// never enter a snapshot, so a comment at the top of a file pushes nothing.
import type { Finding, ObjectKey, Place } from "#api/finding";
import type { OwnerReference } from "#api/object";

/** An object as it was written: what the store adds to metadata is not there yet. */
export interface DecodedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
    readonly creationTimestamp?: string | undefined;
    readonly generateName?: string | undefined;
    readonly ownerReferences?: readonly OwnerReference[] | undefined;
  };
  readonly spec: unknown;
  /** Only of kinds whose status says something to the mesh. */
  readonly status?: unknown;
  /** Of an applied object: what the object store gave it. Of others the configuration store makes it. */
  readonly identity?: { readonly uid: string; readonly generation: number; readonly resourceVersion: string } | undefined;
}

export interface SourceDocument {
  /** Absent when the document could not say its name. */
  readonly key?: ObjectKey | undefined;
  /** Absent when the document has an error. */
  readonly object?: DecodedObject | undefined;
  readonly findings: readonly Finding[];
  /** Of the document's text. */
  readonly hash: string;
  /** Where the document begins, from 1. */
  readonly startLine: number;
  /** Where a field of the object stands; the nearest parent's place when the field was not written. */
  readonly placeOf?: ((field: string) => Place | undefined) | undefined;
  /** The document as plain JSON, as it was written. */
  readonly rawValue?: (() => unknown) | undefined;
}

export type ParseFile = (text: string, file: string) => readonly SourceDocument[];

export function hasError(document: SourceDocument): boolean {
  return document.findings.some((finding) => finding.level === "error");
}
