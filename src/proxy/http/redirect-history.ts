// What a request remembers of the internal redirects that led to it.

export class RedirectHistory {
  count = 0;
  /** Names of routes that were taken, by the name of the route that redirected. */
  readonly #taken = new Map<string, Set<string>>();

  /** False: it was taken before. */
  take(from: string, to: string): boolean {
    let taken = this.#taken.get(from);
    if (taken === undefined) this.#taken.set(from, (taken = new Set()));
    if (taken.has(to)) return false;
    taken.add(to);
    return true;
  }
}
