// What the runtime layers of one proxy say now, as decisions ask for it. A key that no layer sets, or whose value is of another kind, leaves
// the decision to what the configuration says.
import type { RuntimeValue } from "./runtime-value.ts";

/** All layers put together: for each key the value of the last one that has it. */
export type RuntimeValues = ReadonlyMap<string, RuntimeValue>;

export interface Runtime {
  /** No layer says anything. */
  readonly empty: boolean;
  /** In [0, 1]: a FractionalPercent, or whole per cent. */
  share(key: string, otherwise: number): number;
  /** At least 0, without a fraction. */
  integer(key: string, otherwise: number): number;
  double(key: string, otherwise: number): number;
  flag(key: string, otherwise: boolean): boolean;
}

const NO_VALUES: RuntimeValues = new Map();

/** The same object for as long as its proxy is there: what the layers say is replaced as a whole. */
export class CurrentRuntime implements Runtime {
  #values = NO_VALUES;

  /** @returns the keys whose values are others now */
  set(values: RuntimeValues): ReadonlySet<string> {
    const before = this.#values;
    this.#values = values;
    const changed = new Set<string>();
    for (const [key, value] of values) if (!isSame(before.get(key), value)) changed.add(key);
    for (const key of before.keys()) if (!values.has(key)) changed.add(key);
    return changed;
  }

  get empty(): boolean {
    return this.#values.size === 0;
  }

  share(key: string, otherwise: number): number {
    const value = this.#values.get(key);
    if (value === undefined) return otherwise;
    if (value.share !== undefined) return value.share;
    return value.integer === undefined ? otherwise : Math.min(1, value.integer / 100);
  }

  integer(key: string, otherwise: number): number {
    return this.#values.get(key)?.integer ?? otherwise;
  }

  double(key: string, otherwise: number): number {
    return this.#values.get(key)?.double ?? otherwise;
  }

  flag(key: string, otherwise: boolean): boolean {
    return this.#values.get(key)?.flag ?? otherwise;
  }
}

/** A flag and the text of one are shown alike. */
function isSame(a: RuntimeValue | undefined, b: RuntimeValue): boolean {
  return a?.text === b.text && a.flag === b.flag && a.share === b.share && a.double === b.double;
}

/** Of what runs without a proxy: checks, and tests. */
export const NO_RUNTIME: Runtime = new CurrentRuntime();
