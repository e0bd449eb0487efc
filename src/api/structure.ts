// Declarations for what the API server reads by a structural schema (Kubernetes' kinds, the Gateway API): its own JSON rather than
// proto3's, so names and enums only as they are declared, numbers never in quotes.
import { field, json, map, message, repeated, string, type Fields, type Limits, type MessageValue, type Type } from "./declaration.ts";

export function structure<F extends Fields>(name: string, fields: F, limits: Limits = {}): Type<MessageValue<F>> {
  const { shape } = message(name, fields);
  if (shape.kind !== "message") throw new Error(`not a message: ${shape.kind}`);
  return { shape: { ...shape, message: { ...shape.message, exactNames: true }, limits } };
}

export function text(limits: Limits): Type<string> {
  return { shape: { kind: "string", limits } };
}

/** One of the names; a number never stands for a name. */
export function choice<const N extends string>(names: readonly N[]): Type<N> {
  return { shape: { kind: "enum", numbers: new Map(names.map((name) => [name, Number.NaN])) } };
}

export function whole(min: number, max: number): Type<number> {
  return { shape: { kind: "integer", min, max, unquoted: true } };
}

export const int32: Type<number> = whole(-(2 ** 31), 2 ** 31 - 1);
export const int64: Type<number> = whole(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
export const portNumber: Type<number> = whole(1, 65_535);

export function list<T>(element: Type<T>, limits: Limits = {}): Type<readonly T[]> {
  return { shape: { kind: "repeated", element: element.shape, limits } };
}

export function table<T>(value: Type<T>, limits: Limits = {}): Type<Readonly<Record<string, T>>> {
  return { shape: { kind: "map", value: value.shape, limits } };
}

/** Fields that are known and not looked into: names of fields, with what they are. */
export function opaque<const Names extends string>(
  docs: Readonly<Record<Names, string>>,
): { readonly [K in Names]: ReturnType<typeof opaqueField> } {
  return Object.fromEntries(Object.entries<string>(docs).map(([name, doc]) => [name, opaqueField(doc)])) as {
    readonly [K in Names]: ReturnType<typeof opaqueField>;
  };
}

function opaqueField(doc: string): ReturnType<typeof field<unknown>> {
  return field(json, doc);
}

export const stringMap: Type<Readonly<Record<string, string>>> = map(string);
export const strings: Type<readonly string[]> = repeated(string);
