// The tree of a YAML document: nodes that know where they stand.
import type { ScalarValue } from "./yaml-scalar.ts";

export interface SourceScalar {
  readonly kind: "scalar";
  readonly value: ScalarValue;
  /** As it was written, without quotes. */
  readonly text: string;
  readonly offset: number;
  /** Where the lines of a literal block begin, when it is one. */
  readonly block: { readonly offset: number } | undefined;
}

export interface SourceList {
  readonly kind: "list";
  readonly items: readonly SourceNode[];
  readonly offset: number;
}

export interface SourceEntry {
  readonly key: string;
  readonly keyOffset: number;
  readonly value: SourceNode;
}

export interface SourceMap {
  readonly kind: "map";
  readonly entries: readonly SourceEntry[];
  readonly offset: number;
}

export type SourceNode = SourceScalar | SourceList | SourceMap;

/** What stands for nothing: an empty value, or one that could not be read. */
export function nothing(offset: number): SourceScalar {
  return { kind: "scalar", value: null, text: "", offset, block: undefined };
}
