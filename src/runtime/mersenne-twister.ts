// MT19937 (Matsumoto and Nishimura): the same numbers for the same seed wherever it runs, which is what it is for here.
const SIZE = 624;
const MIDDLE = 397;

export class MersenneTwister {
  readonly #state = new Uint32Array(SIZE);
  #at = SIZE;

  constructor(seed: number) {
    const state = this.#state;
    state[0] = seed;
    for (let i = 1; i < SIZE; i++) {
      const before = state[i - 1]! ^ (state[i - 1]! >>> 30);
      state[i] = Math.imul(before, 1_812_433_253) + i;
    }
  }

  /** From 0 to 2^32 - 1. */
  next(): number {
    if (this.#at === SIZE) this.#twist();
    let word = this.#state[this.#at++]!;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c_5680;
    word ^= (word << 15) & 0xefc6_0000;
    return (word ^ (word >>> 18)) >>> 0;
  }

  #twist(): void {
    const state = this.#state;
    for (let i = 0; i < SIZE; i++) {
      const word = (state[i]! & 0x8000_0000) | (state[(i + 1) % SIZE]! & 0x7fff_ffff);
      state[i] = state[(i + MIDDLE) % SIZE]! ^ (word >>> 1) ^ ((word & 1) === 0 ? 0 : 0x9908_b0df);
    }
    this.#at = 0;
  }
}
