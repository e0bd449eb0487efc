// Changes one field of one message in a configuration and tells whether what is compiled from it changes as well.
import type { DescField, DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { ConfigError } from "#proxy/config-error";
import type { Base, ResourceKind } from "./base.ts";
import { compile, encode, SCHEMAS } from "./compiler.ts";
import { Fingerprints } from "./fingerprint.ts";
import { Examples, placesIn } from "./places.ts";
import type { Place } from "./places.ts";

export interface Instance {
  readonly kind: ResourceKind;
  readonly root: JsonObject;
  readonly place: Place;
}

/** What became of a changed configuration. */
type Outcome = { readonly fingerprint: string } | { readonly refused: ConfigError } | "no such value";

/** More are not tried for one field at one place. */
const MAX_TRIES = 60;
/** Of places where the field is set, and of such where it is not. */
const MAX_PLACES = 8;

export class Mutations implements Disposable {
  readonly #fingerprints = new Fingerprints();
  readonly #examples = new Examples();
  readonly #instances = new Map<string, Instance[]>();
  readonly #unchanged = new Map<JsonObject, string>();

  constructor(bases: readonly Base[]) {
    for (const { kind, json } of bases) {
      // No object stands in two places.
      const root = JSON.parse(JSON.stringify(json)) as JsonObject;
      for (const place of placesIn(SCHEMAS[kind], root)) {
        this.#examples.add(place);
        const list = this.#instances.get(place.desc.typeName) ?? [];
        this.#instances.set(place.desc.typeName, list);
        list.push({ kind, root, place });
      }
    }
  }

  [Symbol.dispose](): void {
    this.#fingerprints[Symbol.dispose]();
  }

  instancesOf(type: string): readonly Instance[] {
    return this.#instances.get(type) ?? [];
  }

  outcome(kind: ResourceKind, root: JsonObject): Outcome {
    let bytes: Uint8Array;
    try {
      bytes = encode(kind, root);
    } catch {
      return "no such value";
    }
    try {
      const { result, around } = compile(kind, bytes);
      return { fingerprint: this.#fingerprints.of(result, around) };
    } catch (error) {
      if (error instanceof ConfigError) return { refused: error };
      throw error;
    }
  }

  /** Whether some value of the field makes a difference to what is compiled, somewhere. */
  matters(desc: DescMessage, field: DescField, maxTries = MAX_TRIES): boolean {
    return this.#placesFor(desc, field).some((instance) => this.#mattersAt(instance, field, maxTries));
  }

  /** Whether with some value of the field something else is refused that is accepted as it stands, or the reverse. */
  decidesAcceptance(desc: DescMessage, field: DescField): boolean {
    return this.#placesFor(desc, field).some((instance) => {
      if (this.#before(instance) === undefined) return false;
      const { place } = instance;
      const own = place.path === "" ? field.name : `${place.path}.${field.name}`;
      for (const outcome of this.#changed(instance, field)) {
        if (typeof outcome !== "string" && "refused" in outcome && outcome.refused.violations.every(({ path }) => !path.startsWith(own)))
          return true;
      }
      return false;
    });
  }

  #placesFor({ typeName }: DescMessage, field: DescField): Instance[] {
    const isSet = ({ place }: Instance): boolean => place.json[field.name] !== undefined;
    const all = this.instancesOf(typeName);
    return [...all.filter(isSet).slice(0, MAX_PLACES), ...all.filter((one) => !isSet(one)).slice(0, MAX_PLACES)];
  }

  #before({ kind, root }: Instance): string | undefined {
    let before = this.#unchanged.get(root);
    if (before === undefined) {
      before = fingerprintOf(this.outcome(kind, root));
      if (before !== undefined) this.#unchanged.set(root, before);
    }
    return before;
  }

  #mattersAt(instance: Instance, field: DescField, maxTries: number): boolean {
    const { kind, root, place } = instance;
    const before = this.#before(instance);
    if (before === undefined) return false;
    // Where another member of the oneof has to go, it must not be its absence alone that makes the difference.
    const others = membersBeside(field, place.json);
    const saved = take(place.json, others);
    const without = others.length === 0 ? before : fingerprintOf(this.outcome(kind, root));
    putBack(place.json, saved);
    for (const outcome of this.#changed(instance, field, maxTries)) {
      const after = fingerprintOf(outcome);
      if (after !== undefined && after !== before && after !== without) return true;
    }
    return false;
  }

  /** The configuration with one value of the field after the other; in the end it is as it was. */
  *#changed({ kind, root, place: { desc, json } }: Instance, field: DescField, maxTries = MAX_TRIES): Generator<Outcome> {
    const now = json[field.name];
    const saved = take(json, [field, ...membersBeside(field, json)]);
    let tries = 0;
    try {
      for (const value of this.#examples.valuesFor(desc, field, now)) {
        if (++tries > maxTries) return;
        if (value === undefined) delete json[field.name];
        else json[field.name] = value;
        yield this.outcome(kind, root);
      }
    } finally {
      delete json[field.name];
      putBack(json, saved);
    }
  }
}

function fingerprintOf(outcome: Outcome): string | undefined {
  return typeof outcome !== "string" && "fingerprint" in outcome ? outcome.fingerprint : undefined;
}

function membersBeside(field: DescField, json: JsonObject): DescField[] {
  return (field.oneof?.fields ?? []).filter((other) => other !== field && json[other.name] !== undefined);
}

function take(json: JsonObject, fields: readonly DescField[]): [string, JsonValue][] {
  return fields.flatMap(({ name }): [string, JsonValue][] => {
    const value = json[name];
    delete json[name];
    return value === undefined ? [] : [[name, value]];
  });
}

function putBack(json: JsonObject, values: readonly (readonly [string, JsonValue])[]): void {
  for (const [name, value] of values) json[name] = value;
}
