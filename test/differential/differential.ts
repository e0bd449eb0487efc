// Generated pairs through both proxies, batch by batch. A difference counts when it is there again, alone; then it is made smaller.
import type { DownstreamProtocol } from "./client.ts";
import { differencesOf } from "./compare.ts";
import { Coverage } from "./coverage.ts";
import { namedDifference } from "./named-differences.ts";
import type { Pair } from "./pair.ts";
import { BATCH, generateAround, generatePair } from "./pair-generator.ts";
import { shrink } from "./shrink.ts";
import type { Failing } from "./shrink.ts";
import { KINDS, startTwoProxies } from "./two-proxies.ts";
import type { Around, TwoProxies } from "./two-proxies.ts";
import type { UpstreamProtocol } from "./upstreams.ts";

export interface DifferentialOptions {
  readonly seed: number;
  readonly pairs: number;
  /** The first pair's number: one pair alone is run again with `from` and `pairs: 1`. */
  readonly from?: number;
  readonly downstream: DownstreamProtocol;
  readonly upstream: UpstreamProtocol;
  readonly say?: (line: string) => void;
}

export interface DifferentialResult {
  readonly coverage: Coverage;
  /** In words, each with the pair made small. */
  readonly failures: readonly string[];
  /** How often each was met. */
  readonly named: ReadonlyMap<string, number>;
  /** Pairs that both proxies refused. */
  readonly refused: number;
}

/** More are not made small. */
const SHRUNK = 3;
const SHRINK_BUDGET = 60;

class Run {
  readonly coverage = new Coverage();
  readonly failures: string[] = [];
  readonly named = new Map<string, number>();
  refused = 0;
  readonly #proxies: TwoProxies;
  readonly #options: DifferentialOptions;

  constructor(proxies: TwoProxies, options: DifferentialOptions) {
    this.#proxies = proxies;
    this.#options = options;
  }

  /** What is different about one pair alone. */
  async #alone({ around, pair }: Failing): Promise<string[]> {
    const refusals = await this.#proxies.apply(around, [pair]);
    if (refusals !== undefined && Object.keys(refusals).length === KINDS.length) return [];
    if (refusals !== undefined) return Object.entries(refusals).map(([kind, message]) => `refused by ${kind}: ${message}`);
    return differencesOf(pair, (await this.#proxies.exchange([pair])).get(pair)!);
  }

  async #acceptedOf(around: Around, pairs: readonly Pair[]): Promise<Pair[]> {
    const accepted: Pair[] = [];
    for (const pair of pairs) {
      const refusals = await this.#proxies.apply(around, [pair]);
      if (refusals === undefined) accepted.push(pair);
      else if (Object.keys(refusals).length === KINDS.length) this.refused++;
      else
        this.failures.push(
          [
            `pair ${pair.number} of seed ${this.#options.seed} is refused`,
            ...Object.entries(refusals).map(([kind, message]) => `${kind}: ${message.slice(-400)}`),
          ].join("\n  "),
        );
    }
    return accepted;
  }

  async #fail(failing: Failing): Promise<void> {
    const first = await this.#alone(failing);
    if (first.length === 0) return;
    const name = namedDifference(failing, first);
    if (name !== undefined) {
      this.named.set(name, (this.named.get(name) ?? 0) + 1);
      return;
    }
    const kind = kindOf(first[0]!);
    const small =
      this.failures.length >= SHRUNK
        ? failing
        : await shrink(
            failing,
            async (candidate) => (await this.#alone(candidate)).some((difference) => kindOf(difference) === kind),
            SHRINK_BUDGET,
          );
    const { seed, downstream, upstream } = this.#options;
    this.failures.push(
      [
        `pair ${failing.pair.number} of seed ${seed} (--from ${failing.pair.number} --pairs 1 --downstream ${downstream} --upstream ${upstream}):`,
        ...(await this.#alone(small)),
        `manager ${JSON.stringify(small.around.manager)}`,
        `table ${JSON.stringify(small.around.table)}`,
        `coders ${JSON.stringify(small.around.coders)}`,
        `virtual host ${JSON.stringify(small.pair.virtualHost)}`,
        `request ${JSON.stringify(small.pair.request).slice(0, 600)}`,
      ].join("\n  "),
    );
  }

  async batch(around: Around, all: readonly Pair[]): Promise<void> {
    let pairs = all;
    if ((await this.#proxies.apply(around, all)) !== undefined) {
      pairs = await this.#acceptedOf(around, all);
      if ((await this.#proxies.apply(around, pairs)) !== undefined) throw new Error("what each was accepted alone is refused together");
    }
    const different: Pair[] = [];
    for (const [pair, outcomes] of await this.#proxies.exchange(pairs)) {
      this.coverage.add(pair, outcomes.envoy);
      if (differencesOf(pair, outcomes).length > 0) different.push(pair);
    }
    for (const pair of different) await this.#fail({ around, pair });
  }
}

/** Differences of one kind have the same beginning. */
function kindOf(difference: string): string {
  return difference.split(/[:"]/).slice(0, 3).join(":");
}

export async function runDifferential(options: DifferentialOptions): Promise<DifferentialResult> {
  const proxies = await startTwoProxies(options.downstream, options.upstream);
  try {
    const run = new Run(proxies, options);
    const from = options.from ?? 0;
    for (let first = from; first < from + options.pairs;) {
      const batch = Math.floor(first / BATCH);
      const end = Math.min((batch + 1) * BATCH, from + options.pairs);
      const pairs = Array.from({ length: end - first }, (_, index) => generatePair(options.seed, first + index));
      await run.batch(generateAround(options.seed, batch), pairs);
      first = end;
      options.say?.(`${first - from} of ${options.pairs} pairs, ${run.failures.length} differ`);
    }
    return run;
  } finally {
    await proxies.close();
  }
}
