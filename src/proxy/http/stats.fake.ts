// A statistics scope for tests: values by dotted name.
import { dottedName } from "#telemetry/stats/stat-name";
import type { Counter, Gauge, Histogram, NamePart, StatsScope } from "#telemetry/stats/store";

class FakeValue implements Counter, Gauge, Histogram {
  value = 0;
  readonly recorded: number[] = [];
  inc(): void {
    this.value++;
  }
  dec(): void {
    this.value--;
  }
  add(n: number): void {
    this.value += n;
  }
  set(value: number): void {
    this.value = value;
  }
  record(value: number): void {
    this.recorded.push(value);
  }
}

export class FakeStats implements StatsScope {
  readonly values: Map<string, FakeValue>;
  readonly released: string[];
  readonly #prefix: string;

  constructor(prefix = "", values = new Map<string, FakeValue>(), released: string[] = []) {
    this.#prefix = prefix;
    this.values = values;
    this.released = released;
  }

  /** The value under its full name; 0 when nobody made it. */
  get(name: string): number {
    return this.values.get(name)?.value ?? 0;
  }

  recorded(name: string): readonly number[] {
    return this.values.get(name)?.recorded ?? [];
  }

  /** Names of gauges "…active" that are not back at 0: a leak. */
  get leaks(): string[] {
    return [...this.values]
      .filter(([name, { value }]) => name.endsWith("active") && value !== 0)
      .map(([name, { value }]) => `${name}=${value}`);
  }

  counter(...parts: NamePart[]): Counter {
    return this.#at(parts);
  }
  gauge(...parts: NamePart[]): Gauge {
    return this.#at(parts);
  }
  histogram(...parts: NamePart[]): Histogram {
    return this.#at(parts);
  }
  scope(...parts: NamePart[]): FakeStats {
    return new FakeStats(this.#name(parts), this.values, this.released);
  }
  release(): void {
    this.released.push(this.#prefix);
  }

  #name(parts: NamePart[]): string {
    const text = dottedName(parts);
    return this.#prefix === "" ? text : `${this.#prefix}.${text}`;
  }

  #at(parts: NamePart[]): FakeValue {
    const name = this.#name(parts);
    let value = this.values.get(name);
    if (value === undefined) this.values.set(name, (value = new FakeValue()));
    return value;
  }
}
