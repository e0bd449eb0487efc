// Where calls are made: a pod with one proxy under test at a time, and the world around it.
import { setTimeout } from "node:timers/promises";
import type { JsonObject } from "@bufbuild/protobuf";
import { FakeAuthority } from "#proxy/net/certificates.fake";
import type { EchoListener } from "../replay/echo-server.ts";
import { createPodNetwork, NAME_SERVER, type PodNetwork } from "../replay/network-namespace.ts";
import { startProxy, type ProxyKind } from "../replay/proxy-process.ts";
import type { ReplayResource } from "../replay/resource-table.ts";
import { Station } from "../replay/station.ts";
import { TAG_HEADER, type Outcome } from "../replay/traffic.ts";
import type { Call } from "./call.ts";
import { observe, tally, type Observations } from "./observation.ts";
import { TIMES_OF_FAILURE, timesForEndpoints } from "./times.ts";

/** One proxy with one configuration. */
export interface Column {
  readonly kind: ProxyKind;
  readonly resources: readonly ReplayResource[];
}

/** Where a proxy stands and who is around it; the same for all columns. */
export interface Surroundings {
  readonly nodeId: string;
  readonly metadata: JsonObject;
  readonly addresses: readonly string[];
  readonly captured: boolean;
  /** Ports of everything that is not in the pod. */
  readonly worldPorts: readonly number[];
  readonly applicationListeners: readonly EchoListener[];
  readonly identities: Readonly<Record<string, string>>;
  /** By destination: of how many endpoints of one cluster it is one. */
  readonly endpointCounts: ReadonlyMap<string, number>;
}

export interface ColumnResult {
  /** Refused resources, in words of the proxy. */
  readonly refusals: readonly string[];
  /** Why there are no observations. */
  readonly failure: string | undefined;
  /** The end of what the proxy wrote. */
  readonly output: string;
  /** In the order of the calls. */
  readonly observations: readonly Observations[];
}

/** Calls of one kind that run at the same time. */
const CONCURRENCY = 8;
const SLOW_CONCURRENCY = 60;
const SETTLED_MS = 150;
const NO_ARRIVALS: ReadonlyMap<string, readonly string[]> = new Map();

export class TestBed {
  readonly authority: FakeAuthority;
  readonly #network: PodNetwork;
  readonly #world: Station;
  readonly #pod: Station;

  private constructor(authority: FakeAuthority, network: PodNetwork, world: Station, pod: Station) {
    this.authority = authority;
    this.#network = network;
    this.#world = world;
    this.#pod = pod;
  }

  /** @throws Error saying what this machine lacks */
  static async create(): Promise<TestBed> {
    const authority = new FakeAuthority();
    const network = createPodNetwork();
    const [world, pod] = await Promise.all([
      Station.start(network.world, authority.root, NAME_SERVER),
      Station.start(network.pod, authority.root),
    ]);
    return new TestBed(authority, network, world, pod);
  }

  async run(column: Column, surroundings: Surroundings, calls: readonly Call[]): Promise<ColumnResult> {
    const { addresses, captured, identities } = surroundings;
    this.#network.setPod(addresses, captured);
    const ports = surroundings.worldPorts.map((port) => ({ port }));
    await Promise.all([
      this.#world.echo(ports, identities),
      this.#pod.echo(
        surroundings.applicationListeners,
        Object.fromEntries(addresses.map((address) => [address, identities[address] ?? ""])),
      ),
    ]);
    const discoveryPort = await this.#pod.serve(column.resources);
    let proxy;
    try {
      proxy = await startProxy({ ...surroundings, kind: column.kind, network: this.#network, station: this.#pod, discoveryPort });
    } catch (error) {
      return { refusals: [], failure: error instanceof Error ? error.message : String(error), output: "", observations: [] };
    }
    let output = "";
    const observations: Observations[] = [];
    let refusals: readonly string[] = [];
    try {
      refusals = (await this.#pod.nacks()).map(({ message }) => message);
      for (const [index, call] of calls.entries()) observations.push(await this.#make(call, index, surroundings.endpointCounts));
    } finally {
      output = await proxy.stop();
    }
    return { refusals, failure: undefined, output, observations };
  }

  async close(): Promise<void> {
    await Promise.all([this.#world.stop(), this.#pod.stop()]);
    this.#network.remove();
  }

  async #make(call: Call, index: number, endpointCounts: ReadonlyMap<string, number>): Promise<Observations> {
    const { from, request, slow, mirrored, givesUp } = call;
    const station = from === "pod" ? this.#pod : this.#world;
    const outcomes: { readonly tag: string; readonly outcome: Outcome }[] = [];
    let { times } = call;
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < times) {
        const tag = `${index}.${next++}`;
        const headers = request.protocol === "tcp" ? request.headers : [...request.headers, [TAG_HEADER, tag] as const];
        const outcome = await station.send({ ...request, headers });
        outcomes.push({ tag, outcome });
        const destination = outcome.kind === "answered" ? outcome.report?.destination : undefined;
        const failedAtOnce = outcome.kind === "failed" && outcome.reason !== "timeout";
        if (failedAtOnce && from === "pod") times = Math.max(times, TIMES_OF_FAILURE);
        if (destination !== undefined && slow !== true) times = Math.max(times, timesForEndpoints(endpointCounts.get(destination) ?? 1));
      }
    };
    // The first one tells how many more have to follow.
    const all = times;
    times = 1;
    await worker();
    times = Math.max(times, all);
    await Promise.all(Array.from({ length: Math.min(slow === true ? SLOW_CONCURRENCY : CONCURRENCY, times - next) }, worker));
    const arrivals = givesUp === true ? NO_ARRIVALS : await this.#arrivals(`${index}.`, mirrored === true);
    return tally(outcomes.map(({ tag, outcome }) => observe(outcome, arrivals.get(tag) ?? [], slow === true)));
  }

  /** With `settle`, once none has come for a while. */
  async #arrivals(beginning: string, settle: boolean): Promise<ReadonlyMap<string, readonly string[]>> {
    const ask = async (): Promise<ReadonlyMap<string, readonly string[]>> => {
      const result = new Map<string, readonly string[]>();
      for (const list of await Promise.all([this.#world.arrivals(beginning), this.#pod.arrivals(beginning)]))
        for (const [tag, destinations] of list) result.set(tag, [...(result.get(tag) ?? []), ...destinations]);
      return result;
    };
    const count = (map: ReadonlyMap<string, readonly string[]>): number => [...map.values()].reduce((sum, list) => sum + list.length, 0);
    let last = await ask();
    while (settle) {
      await setTimeout(SETTLED_MS);
      const now = await ask();
      if (count(now) === count(last)) return now;
      last = now;
    }
    return last;
  }
}
