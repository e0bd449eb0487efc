// Filter state: named texts that filters leave for other filters and for access logs, of a stream or of its whole connection.

export class FilterState {
  readonly #own = new Map<string, { readonly value: string; readonly readOnly: boolean }>();
  /** The connection's, which its streams see but do not change. */
  readonly #connection: FilterState | undefined;

  constructor(connection?: FilterState) {
    this.#connection = connection;
  }

  get(key: string): string | undefined {
    return this.#own.get(key)?.value ?? this.#connection?.get(key);
  }

  /** False: what is there is read-only and stays. */
  set(key: string, value: string, readOnly: boolean): boolean {
    if (this.#own.get(key)?.readOnly === true) return false;
    this.#own.set(key, { value, readOnly });
    return true;
  }
}
