// One object as analysis sees it: also one that validation refuses.
import type { Finding, ObjectKey, Place } from "#api/finding";
import type { ApiObject } from "#api/object";
import { keyOf } from "#api/object";
import type { ParsedDocument } from "#api/parse-file";
import type { Labels } from "#control-plane/registry/labels";
import type { AnalyzedKind, Condition, SpecOf, Status, Written } from "./specs.ts";

export interface AnalyzedObject<Spec = unknown> {
  readonly key: ObjectKey;
  readonly labels: Labels;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: Written<Spec>;
  readonly status: Written<Status>;
  readonly placeOf?: ((field: string) => Place | undefined) | undefined;
  /** What decoding and validation say of it. */
  readonly said?: readonly Finding[] | undefined;
  /** The name of the cluster that it comes from, where there are several. */
  readonly cluster?: string | undefined;
}

export type ObjectOf<Kind extends AnalyzedKind> = AnalyzedObject<SpecOf[Kind]>;

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : {};
}

/** Labels and annotations hold texts; anything else that was written there is an error that decoding reports. */
function textsOf(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(recordOf(value)).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

/** A status is not declared, and read as far as it has the form that analysis knows. */
function statusOf(value: unknown): Written<Status> {
  const { conditions, parents, addresses } = recordOf(value);
  return {
    conditions: conditionsOf(conditions),
    parents: listOf(parents).map((parent) => ({ conditions: conditionsOf(recordOf(parent)["conditions"]) })),
    addresses: listOf(addresses),
  };
}

function conditionsOf(value: unknown): readonly Written<Condition>[] {
  return listOf(value).map((condition) => textsOf(condition));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

/** What a document holds; its plain value is made when it is looked at first. */
class ParsedObject implements AnalyzedObject {
  readonly key: ObjectKey;
  readonly cluster: string | undefined;
  readonly said: readonly Finding[];
  readonly placeOf: (field: string) => Place | undefined;
  #document: ParsedDocument;
  #raw: Readonly<Record<string, unknown>> | undefined;
  #metadata: Readonly<Record<string, unknown>> | undefined;

  constructor(key: ObjectKey, document: ParsedDocument, cluster: string | undefined) {
    this.key = key;
    this.cluster = cluster;
    this.placeOf = document.placeOf;
    this.said = document.findings;
    this.#document = document;
  }

  get #plain(): Readonly<Record<string, unknown>> {
    return (this.#raw ??= recordOf(this.#document.rawValue()));
  }

  get labels(): Labels {
    return this.#document.object?.metadata.labels ?? textsOf(this.#writtenMetadata["labels"]);
  }

  get annotations(): Readonly<Record<string, string>> {
    return this.#document.object?.metadata.annotations ?? textsOf(this.#writtenMetadata["annotations"]);
  }

  get #writtenMetadata(): Readonly<Record<string, unknown>> {
    return (this.#metadata ??= recordOf(this.#plain["metadata"]));
  }

  get spec(): object {
    return recordOf(this.#document.partialSpec);
  }

  get status(): Written<Status> {
    return statusOf(this.#plain["status"]);
  }
}

/** undefined: the document does not say what it is. */
export function fromDocument(document: ParsedDocument, cluster?: string): AnalyzedObject | undefined {
  if (document.key === undefined) return undefined;
  return new ParsedObject(document.key, document, cluster);
}

/** An object of the store: valid and decoded. */
export function fromApiObject(object: ApiObject): AnalyzedObject {
  const { labels, annotations } = object.metadata;
  return { key: keyOf(object), labels, annotations, spec: object.spec as object, status: {} };
}

/** What stands for an object that nobody wrote. */
export function madeObject(
  key: ObjectKey,
  spec: object,
  { labels = {}, annotations = {} }: Partial<Pick<AnalyzedObject, "labels" | "annotations">> = {},
): AnalyzedObject {
  return { key, labels, annotations, spec, status: {} };
}
