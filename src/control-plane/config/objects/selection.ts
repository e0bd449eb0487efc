// Which objects of a resource a list or a watch is about.
import type { WatchOptions } from "#control-plane/config/object-store";
import { keyPrefix, type ResourceName, type StoredObject } from "#control-plane/config/stored-object";
import { parseFieldSelector } from "./field-selector.ts";
import { parseLabelSelector } from "./label-selector.ts";

export interface Selection {
  /** Keys of the resource, or of it in one namespace, begin so. */
  readonly prefix: string;
  /** Absent when all objects under the prefix are meant. */
  readonly matches?: (object: StoredObject) => boolean;
}

/** @throws StatusError BadRequest */
export function selectionOf(
  resource: ResourceName,
  { namespace, labelSelector, fieldSelector }: Pick<WatchOptions, "namespace" | "labelSelector" | "fieldSelector">,
): Selection {
  const prefix = keyPrefix(resource, namespace);
  const labels = parseLabelSelector(labelSelector);
  const fields = parseFieldSelector(resource, fieldSelector);
  if (labels === undefined && fields === undefined) return { prefix };
  return {
    prefix,
    matches: (object) => (labels === undefined || labels(object.metadata.labels)) && (fields === undefined || fields(object)),
  };
}
