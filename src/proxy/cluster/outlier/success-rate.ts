// Requests and successes of one host, by interval: one bucket is written while the one before it is judged.
export class SuccessRate {
  #total = 0;
  #successes = 0;
  #lastTotal = 0;
  #lastSuccesses = 0;
  /** In per cent, of the last interval that had enough requests to judge; -1: none. What `/clusters` shows. */
  shown = -1;

  count(success: boolean): void {
    this.#total++;
    if (success) this.#successes++;
  }

  /** An interval is over. */
  turn(): void {
    this.#lastTotal = this.#total;
    this.#lastSuccesses = this.#successes;
    this.#total = 0;
    this.#successes = 0;
    this.shown = -1;
  }

  get volume(): number {
    return this.#lastTotal;
  }

  /** Only when `volume` is not 0. */
  get percent(): number {
    return (100 * this.#lastSuccesses) / this.#lastTotal;
  }
}
