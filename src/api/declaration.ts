// The language in which a kind is declared once: its TypeScript type (`Decoded<typeof declaration>`), what the strict decoder
// accepts, its JSON schema, each field's documentation, and whether the field has an effect yet. A new field is one line.
// Not JSON Schema itself, because the decoded value differs from what is written: durations become milliseconds, enums written
// as numbers become names, snake_case becomes lowerCamel.

/** What a value must keep to beyond its type: checked by the decoder, printed into schemas. */
export interface Limits {
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  /** Said in schemas, not checked. */
  readonly format?: string;
  /** Said in schemas: the decoder takes null for nothing everywhere. */
  readonly nullable?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  /** The pattern in plain English, for messages: "must be ...". */
  readonly says?: string;
  /** Of a list: no two items may have the same values of these fields; with no fields, no two items may be the same. */
  readonly listKeys?: readonly string[];
  /** CEL for the API server (x-kubernetes-validations); `self` is the value. What they say is checked here by the kind's validation. */
  readonly rules?: readonly CelRule[];
}

export interface CelRule {
  readonly rule: string;
  readonly message: string;
}

export type Shape = (
  | { readonly kind: "string" }
  | { readonly kind: "bool" }
  | { readonly kind: "integer"; readonly min: number; readonly max: number; readonly unquoted?: boolean }
  | { readonly kind: "number" }
  | { readonly kind: "duration"; readonly pattern?: string }
  | { readonly kind: "enum"; readonly numbers: ReadonlyMap<string, number> }
  | { readonly kind: "message"; readonly message: Message }
  | { readonly kind: "repeated"; readonly element: Shape }
  | { readonly kind: "map"; readonly value: Shape }
  | { readonly kind: "integer-or-string" }
  | { readonly kind: "json" }
) & { readonly limits?: Limits | undefined };

/** A shape that remembers the TypeScript type of its decoded form. */
export interface Type<T> {
  readonly shape: Shape;
  /** Never there at run time. */
  readonly decoded?: T;
}

export interface Field<T = unknown, Required extends boolean = boolean> {
  readonly type: Type<T>;
  readonly doc: string;
  readonly required: Required;
  /** none: accepted and decoded, and nothing happens yet; every use is named to the user. */
  readonly effect: "full" | "none";
  /** Another name that Istio's CRD has for the field. */
  readonly alsoWritten?: string;
}

export type Fields = Readonly<Record<string, Field>>;

export interface Message {
  readonly name: string;
  readonly fields: ReadonlyMap<string, Field>;
  /** Of each group at most one field may be written. */
  readonly oneofs: readonly (readonly string[])[];
  /** Kubernetes' own JSON: names of fields as they are declared, and no others. */
  readonly exactNames?: boolean;
}

type RequiredKeys<F extends Fields> = { [K in keyof F]: F[K] extends Field<unknown, true> ? K : never }[keyof F];
type ValueOf<F> = F extends Field<infer T> ? T : never;

/** The decoded form of a declared message. */
export type MessageValue<F extends Fields> = { readonly [K in RequiredKeys<F>]: ValueOf<F[K]> } & {
  readonly [K in Exclude<keyof F, RequiredKeys<F>>]?: ValueOf<F[K]> | undefined;
};

export type Decoded<T> = T extends Type<infer V> ? V : never;

export const string: Type<string> = { shape: { kind: "string" } };
export const bool: Type<boolean> = { shape: { kind: "bool" } };
export const int32: Type<number> = { shape: { kind: "integer", min: -(2 ** 31), max: 2 ** 31 - 1 } };
export const uint32: Type<number> = { shape: { kind: "integer", min: 0, max: 2 ** 32 - 1 } };
export const int64: Type<number> = { shape: { kind: "integer", min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER } };
export const uint64: Type<number> = { shape: { kind: "integer", min: 0, max: Number.MAX_SAFE_INTEGER } };
export const number: Type<number> = { shape: { kind: "number" } };
const atLeastMillisecond: CelRule = {
  rule: "duration(self) >= duration('1ms')",
  message: "must be a valid duration greater than 1ms",
};
/** Decoded to milliseconds; fractions are kept. The API server refuses less than a millisecond. */
export const duration: Type<number> = { shape: { kind: "duration", limits: { rules: [atLeastMillisecond] } } };
/** A duration that may be 0. */
export const durationOrZero: Type<number> = { shape: { kind: "duration" } };
/** A google.protobuf.Struct or Value: any JSON, not looked into. */
export const json: Type<unknown> = { shape: { kind: "json" } };
/** Kubernetes' IntOrString. */
export const intOrString: Type<number | string> = { shape: { kind: "integer-or-string" } };

/** A wrapper of proto3 (google.protobuf.BoolValue, ...): null may be written for nothing. */
export function wrapped<T>(type: Type<T>): Type<T> {
  return limited(type, { nullable: true });
}

/** The type with limits in addition to those that it has. */
export function limited<T>(type: Type<T>, limits: Limits): Type<T> {
  const before = type.shape.limits;
  const rules = [...(before?.rules ?? []), ...(limits.rules ?? [])];
  return { shape: { ...type.shape, limits: { ...before, ...limits, ...(rules.length === 0 ? {} : { rules }) } } };
}

/** Names in the order of their proto numbers, from 0; or names with their numbers. */
export function enumeration<const N extends string>(names: readonly N[] | Readonly<Record<N, number>>): Type<N> {
  const entries = Array.isArray(names)
    ? (names as readonly N[]).map((name, index): [string, number] => [name, index])
    : Object.entries<number>(names as Readonly<Record<N, number>>);
  return { shape: { kind: "enum", numbers: new Map(entries) } };
}

export function repeated<T>(element: Type<T>): Type<readonly T[]> {
  return { shape: { kind: "repeated", element: element.shape } };
}

export function map<T>(value: Type<T>): Type<Readonly<Record<string, T>>> {
  return { shape: { kind: "map", value: value.shape } };
}

export function message<F extends Fields>(
  name: string,
  fields: F,
  oneofs: readonly (readonly (keyof F & string)[])[] = [],
): Type<MessageValue<F>> {
  return { shape: { kind: "message", message: { name, fields: new Map(Object.entries(fields)), oneofs } } };
}

/** A field that works when it is written. */
export function field<T>(type: Type<T>, doc: string): Field<T, false> {
  return { type, doc, required: false, effect: "full" };
}

/** A field that must be written. */
export function required<T>(type: Type<T>, doc: string): Field<T, true> {
  return { type, doc, required: true, effect: "full" };
}

/** A field that is decoded strictly and has no effect yet. */
export function later<T>(type: Type<T>, doc: string): Field<T, false> {
  return { type, doc, required: false, effect: "none" };
}

/** The declaration behind a message type. */
export function messageOf(type: Type<unknown>): Message {
  if (type.shape.kind !== "message") throw new Error(`not a message: ${type.shape.kind}`);
  return type.shape.message;
}
