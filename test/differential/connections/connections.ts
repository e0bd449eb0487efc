// Generated listeners and connections through both proxies, batch by batch. A difference counts when it is there again, alone.
import type { JsonObject } from "@bufbuild/protobuf";
import { KINDS } from "../two-proxies.ts";
import type { Kind } from "../two-proxies.ts";
import { DEFAULT, generateConnectionPair, MATCH_FIELDS } from "./listener-generator.ts";
import type { ConnectionPair } from "./listener-generator.ts";
import { startListeningProxies } from "./listening-proxies.ts";
import type { ConnectionOutcome, ListeningProxies } from "./listening-proxies.ts";

export interface ConnectionRunOptions {
  readonly seed: number;
  readonly pairs: number;
  /** The first pair's number. */
  readonly from?: number;
  readonly say?: (line: string) => void;
}

export interface ConnectionRunResult {
  readonly failures: readonly string[];
  /** Pairs that both proxies refused. */
  readonly refused: number;
  /** How many connections were taken by a chain that looks at the field; `none` by no chain at all. */
  readonly taken: ReadonlyMap<string, number>;
}

const BATCH = 20;

/** A filter that answers at once reads nothing in Envoy; what was read of such a connection counts with us. */
function logOf({ logged }: ConnectionOutcome): string[] {
  return logged.map((line) => (line.startsWith("listener ") ? line.replace(/\d+ (\d+)$/, "* $1") : line));
}

/**
 * RBAC decides about a connection before it is taken any further; Envoy does when its first byte is there, after the filters behind it
 * have seen the connection; one that says nothing stays.
 */
function wasDenied({ envoy, mizzen }: Readonly<Record<Kind, ConnectionOutcome>>): boolean {
  return envoy.said === "" && mizzen.said === "" && mizzen.logged.length === 1 && envoy.logged.length !== 1;
}

/** In words; empty when the two agree. */
function differencesOf({ listener }: ConnectionPair, outcome: Readonly<Record<Kind, ConnectionOutcome>>): string[] {
  const { envoy, mizzen } = outcome;
  if (JSON.stringify(listener).includes("rbac") && wasDenied(outcome)) return [];
  const differences: string[] = [];
  for (const field of ["said", "ended"] as const)
    if (envoy[field] !== mizzen[field])
      differences.push(`${field}: Envoy ${JSON.stringify(envoy[field])}, ours ${JSON.stringify(mizzen[field])}`);
  const [theirs, ours] = [logOf(envoy).join("; "), logOf(mizzen).join("; ")];
  if (theirs !== ours) differences.push(`log: Envoy ${theirs}`, `log: ours  ${ours}`);
  return differences;
}

class Run implements ConnectionRunResult {
  readonly failures: string[] = [];
  refused = 0;
  readonly taken = new Map<string, number>([...MATCH_FIELDS, "default", "none"].map((field) => [field, 0]));
  readonly #proxies: ListeningProxies;
  readonly #seed: number;

  constructor(proxies: ListeningProxies, seed: number) {
    this.#proxies = proxies;
    this.#seed = seed;
  }

  #count({ listener }: ConnectionPair, { envoy }: Readonly<Record<Kind, ConnectionOutcome>>): void {
    const chains = listener["filterChains"] as JsonObject[];
    const taken = /chain (\d)/.exec(envoy.said + envoy.logged.join())?.[1];
    const match = chains[Number(taken)]?.["filterChainMatch"];
    const fields = taken === undefined ? ["none"] : taken === String(DEFAULT) ? ["default"] : Object.keys(match ?? {});
    for (const field of fields) this.taken.set(field, (this.taken.get(field) ?? 0) + 1);
  }

  #fail(pair: ConnectionPair, what: readonly string[]): void {
    this.failures.push(
      [
        `connection ${pair.number} of seed ${this.#seed} (--connections --from ${pair.number} --pairs 1 --seed ${this.#seed}):`,
        ...what,
        `listener ${JSON.stringify(pair.listener)}`,
        `opening ${JSON.stringify(pair.opening).slice(0, 400)}`,
      ].join("\n  "),
    );
  }

  async #accepted(pairs: readonly ConnectionPair[]): Promise<ConnectionPair[]> {
    const accepted: ConnectionPair[] = [];
    for (const pair of pairs) {
      const refusals = await this.#proxies.apply([pair]);
      if (refusals === undefined) accepted.push(pair);
      else if (Object.keys(refusals).length === KINDS.length) this.refused++;
      else
        this.#fail(
          pair,
          Object.entries(refusals).map(([kind, message]) => `refused by ${kind} alone: ${message.slice(-400)}`),
        );
    }
    return accepted;
  }

  async batch(all: readonly ConnectionPair[]): Promise<void> {
    if ((await this.#proxies.apply(all)) !== undefined) {
      const pairs = await this.#accepted(all);
      if ((await this.#proxies.apply(pairs)) !== undefined) throw new Error("what each was accepted alone is refused together");
    }
    const different: ConnectionPair[] = [];
    for (const [pair, outcome] of await this.#proxies.exchange()) {
      this.#count(pair, outcome);
      if (differencesOf(pair, outcome).length > 0) different.push(pair);
    }
    for (const pair of different) {
      await this.#proxies.apply([pair]);
      const again = differencesOf(pair, (await this.#proxies.exchange()).get(pair)!);
      if (again.length > 0) this.#fail(pair, again);
    }
  }
}

export async function runConnections({ seed, pairs, from = 0, say }: ConnectionRunOptions): Promise<ConnectionRunResult> {
  const proxies = await startListeningProxies();
  try {
    const run = new Run(proxies, seed);
    for (let first = from; first < from + pairs; first += BATCH) {
      const numbers = Array.from({ length: Math.min(BATCH, from + pairs - first) }, (_, index) => first + index);
      await run.batch(await Promise.all(numbers.map((number) => generateConnectionPair(seed, number))));
      say?.(`${first - from + numbers.length} of ${pairs} connections, ${run.failures.length} differ`);
    }
    return run;
  } finally {
    await proxies.close();
  }
}
