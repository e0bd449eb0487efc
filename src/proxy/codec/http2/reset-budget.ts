// How fast a peer may have streams reset: by its RST_STREAM (rapid reset, CVE-2023-44487) or by frames that force ours
// (CVE-2025-8671). Every such stream has cost work that nobody waits for. A burst is free, then it is a rate; nghttp2's numbers. A stream
// that is served to its end earns one reset: a proxy in front of many clients passes on what those give up (Envoy closes above one half).

const BURST = 1000;
const PER_SECOND = 33;

export class ResetBudget {
  readonly #nowMs: () => number;
  #left = BURST;
  #filledMs: number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#filledMs = nowMs();
  }

  /** False: too many. */
  spend(): boolean {
    if (this.#left < BURST) {
      const nowMs = this.#nowMs();
      this.#left = Math.min(BURST, this.#left + ((nowMs - this.#filledMs) * PER_SECOND) / 1000);
      this.#filledMs = nowMs;
    } else this.#filledMs = this.#nowMs();
    this.#left--;
    return this.#left >= 0;
  }

  /** A stream went well. */
  earn(): void {
    if (this.#left < BURST) this.#left++;
  }
}
