// Filter state: named texts that filters leave for other filters and for access logs, of a stream or of its whole connection.

interface StateValue {
  readonly value: string;
  readonly readOnly: boolean;
  readonly hashable: boolean;
}

export class FilterState {
  readonly #own = new Map<string, StateValue>();
  /** The connection's, which its streams see but do not change. */
  readonly #connection: FilterState | undefined;

  constructor(connection?: FilterState) {
    this.#connection = connection;
  }

  get(key: string): string | undefined {
    return this.#find(key)?.value;
  }

  /** For hash policies: text that was not made to be hashed has none, as in Envoy. */
  getHashable(key: string): string | undefined {
    const found = this.#find(key);
    return found?.hashable === true ? found.value : undefined;
  }

  /** False: what is there is read-only and stays. */
  set(key: string, value: string, readOnly: boolean, hashable = false): boolean {
    if (this.#own.get(key)?.readOnly === true) return false;
    this.#own.set(key, { value, readOnly, hashable });
    return true;
  }

  #find(key: string): StateValue | undefined {
    const connection = this.#connection;
    return this.#own.get(key) ?? (connection === undefined ? undefined : connection.#find(key));
  }
}
