// The language in which a kind is declared once: its TypeScript type (`Decoded<typeof declaration>`), what the strict decoder
// accepts, its JSON schema, each field's documentation, and whether the field has an effect yet. A new field is one line.
// Not JSON Schema itself, because the decoded value differs from what is written: durations become milliseconds, enums written
// as numbers become names, snake_case becomes lowerCamel.

export type Shape =
  | { readonly kind: "string" }
  | { readonly kind: "bool" }
  | { readonly kind: "integer"; readonly min: number; readonly max: number }
  | { readonly kind: "number" }
  | { readonly kind: "duration" }
  | { readonly kind: "enum"; readonly numbers: ReadonlyMap<string, number>; readonly notYet: Readonly<Record<string, string>> }
  | { readonly kind: "message"; readonly message: Message }
  | { readonly kind: "repeated"; readonly element: Shape }
  | { readonly kind: "map"; readonly value: Shape }
  | { readonly kind: "integer-or-string" }
  | { readonly kind: "json" };

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
}

export type Fields = Readonly<Record<string, Field>>;

export interface Message {
  readonly name: string;
  readonly fields: ReadonlyMap<string, Field>;
  /** Of each group at most one field may be written. */
  readonly oneofs: readonly (readonly string[])[];
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
/** Decoded to milliseconds; fractions are kept. */
export const duration: Type<number> = { shape: { kind: "duration" } };
/** A google.protobuf.Struct or Value: any JSON, not looked into. */
export const json: Type<unknown> = { shape: { kind: "json" } };
/** Kubernetes' IntOrString. */
export const intOrString: Type<number | string> = { shape: { kind: "integer-or-string" } };

/**
 * Names in the order of their proto numbers, from 0; or names with their numbers. `notYet` says of names that are accepted and do not
 * work yet what happens with them.
 */
export function enumeration<const N extends string>(
  names: readonly N[] | Readonly<Record<N, number>>,
  notYet: Readonly<{ [K in NoInfer<N>]?: string }> = {} as Readonly<{ [K in N]?: string }>,
): Type<N> {
  const entries = Array.isArray(names)
    ? (names as readonly N[]).map((name, index): [string, number] => [name, index])
    : Object.entries<number>(names as Readonly<Record<N, number>>);
  return { shape: { kind: "enum", numbers: new Map(entries), notYet: notYet as Readonly<Record<string, string>> } };
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
