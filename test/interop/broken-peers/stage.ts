// A proxy between clients and hosts that break off where a scene says so, and what all who can tell make of it: the clients, the hosts,
// the access log, the statistics.
import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { startLoneProxy } from "../../harness/lone-proxy.ts";
import type { LoneProxy, LoneProxyOptions } from "../../harness/lone-proxy.ts";
import { eventually } from "../../harness/mesh.ts";
import { startStalledListener } from "../../harness/stalled-listener.ts";
import type { StalledListener } from "../../harness/stalled-listener.ts";
import { Peer } from "./peer.ts";
import { shownText } from "./shown-text.ts";

/** What takes connections in a host's place: a host, nobody (connections are refused), or a listener whose queue is full. */
export type HostKind = "host" | "nobody" | "stalled";

export interface Act {
  readonly name: string;
  readonly hosts: HostKind;
  /** Whether a connection ends by FIN or by RST is compared. */
  readonly exactEnds?: boolean;
  readonly options?: Omit<LoneProxyOptions, "backendPort">;
  readonly scenes: readonly Scene[];
}

/** Why; and in which lines alone, where the rest is to agree. */
export type Difference = string | { readonly why: string; readonly lines: RegExp };

export interface Scene {
  readonly what: string;
  /** How much came through depends on buffers of the system: only heads are compared. */
  readonly large?: boolean;
  /** Where ours differs on purpose. */
  readonly different?: Difference;
  play(stage: Stage): Promise<void>;
}

/** Gauges of one scene are back when nothing of it is left. */
const PATIENCE_MS = 8_000;
/** Longer than what either proxy keeps access log lines. */
const LOG_QUIET_MS = 250;
/** A line that is not there by then does not come. */
const LOG_MS = 5_000;
const ONE_LINE_EACH = ["http.lone.downstream_rq_total", "tcp.lone.downstream_cx_total"];
/** Requests for statistics and streams of configuration come and go: the fewest sockets within this time are those at rest. */
const SETTLED_MS = 500;
/** A connection that is not ended by then stays open. */
const OPEN_MS = 300;

/** Envoy waits so long for the client to close first, where we end our side at once. */
const DELAYED_CLOSE = "0.1s";

/** What a traffic thread has at all times: its channel, and what listens. */
const AT_REST = /^(MessagePort|TCPServerWrap)$/;

const COUNTED = /^(http\.lone\.|tcp\.lone\.|cluster\.outbound|listener\.127)/;
/**
 * What two TLS libraries agree on with a third is theirs. Bytes depend on how far a peer came; a connection that we end at once needs no delayed close; `external.` and a listener's own `http.`
 * say again what others do, and we do not.
 */
const NOT_COMPARED =
  /bytes|nghttp2|ssl\.(ciphers|curves|sigalgs|versions)|delayed_close_timeout|_active$|\.(assignment|update_|worker_|membership|lb_|version|max_host_weight)|_time_ms|\.rds\.|local\.external\.|^listener.*\.http\./;

export interface Seen {
  readonly clients: readonly string[];
  readonly hosts: readonly string[];
  readonly log: readonly string[];
  readonly stats: readonly string[];
}

export class Stage {
  readonly #proxy: LoneProxy;
  readonly #exactEnds: boolean;
  readonly #server: Server | undefined;
  readonly #stalled: StalledListener | undefined;
  #clients: Peer[] = [];
  #hosts: Peer[] = [];
  #taken = 0;
  /** What hosts of this scene speak over, from their first byte on. */
  hostSocket: ((carrier: Socket) => Socket) | undefined;
  /** Of a proxy at rest. */
  #sockets: number | undefined;
  /** Of the scene that is played: its requests have it in their paths. */
  id = "";

  private constructor(proxy: LoneProxy, exactEnds: boolean, server: Server | undefined, stalled: StalledListener | undefined) {
    this.#proxy = proxy;
    this.#exactEnds = exactEnds;
    this.#server = server;
    this.#stalled = stalled;
  }

  static async build(kind: "mizzen" | "envoy", { hosts, exactEnds = false, options = {} }: Act): Promise<Stage> {
    const stalled = hosts === "stalled" ? await startStalledListener() : undefined;
    const server = stalled === undefined ? createServer({ allowHalfOpen: true }) : undefined;
    server?.listen(0, "127.0.0.1");
    if (server !== undefined) await once(server, "listening");
    const address = server?.address() as AddressInfo | undefined;
    const backendPort = stalled?.port ?? address?.port ?? 0;
    // A port that was somebody's a moment ago is nobody's now.
    if (hosts === "nobody") server?.close();
    const manager = { delayedCloseTimeout: DELAYED_CLOSE, ...options.manager };
    const stage = new Stage(await startLoneProxy(kind, { ...options, manager, backendPort }), exactEnds, server, stalled);
    server?.on("connection", (socket) => {
      const { hostSocket } = stage;
      stage.#hosts.push(new Peer(hostSocket === undefined ? socket : hostSocket(socket), socket));
    });
    return stage;
  }

  get proxy(): LoneProxy {
    return this.#proxy;
  }

  async client(secure?: (carrier: Socket) => Socket): Promise<Peer> {
    const peer = await Peer.open(this.#proxy.port, secure);
    this.#clients.push(peer);
    return peer;
  }

  /** All connections that the proxy has opened in this scene. */
  get hosts(): readonly Peer[] {
    return this.#hosts;
  }

  /** The next connection that the proxy opens. */
  host(): Promise<Peer> {
    const index = this.#taken++;
    return eventually("a connection to a host", PATIENCE_MS, () => this.#hosts[index]);
  }

  /** The same, unless the client has its answer, or the end, before. */
  async nextHost(client: Peer): Promise<Peer | undefined> {
    const found = await eventually("another try or an answer", PATIENCE_MS, () => {
      if (this.#hosts.length > this.#taken) return { host: this.#hosts[this.#taken++] };
      return client.ended !== "open" || /HTTP\/1\.1 [2-5]/.test(client.text) ? { host: undefined } : undefined;
    });
    return found.host;
  }

  /** A client asks, and the request has come to a host. */
  async asked(request: string): Promise<{ client: Peer; host: Peer }> {
    const client = await this.client();
    client.say(request);
    const host = await this.host();
    await host.hears("\r\n\r\n");
    return { client, host };
  }

  /** Until a statistic of the proxy has this value. */
  async counts(pattern: RegExp, value: number): Promise<void> {
    await eventually(`${pattern.source} is ${value}`, PATIENCE_MS, async () =>
      [...(await this.#proxy.stats(pattern)).values()].some((one) => one === value) ? true : undefined,
    );
  }

  async play(scene: Scene, id: string): Promise<Seen> {
    this.id = id;
    const before = await this.#statistics();
    const logged = this.#proxy.log().length;
    this.#sockets ??= await this.#fewestSockets();
    try {
      await scene.play(this);
      return await this.#outcome(scene, before, logged);
    } finally {
      this.#clear();
    }
  }

  async #outcome(scene: Scene, before: ReadonlyMap<string, number>, logged: number): Promise<Seen> {
    const { large = false } = scene;
    await eventually("clients end", OPEN_MS, () => this.#clients.every(({ ended, socket }) => ended !== "open" || socket.destroyed)).catch(
      () => {},
    );
    // FIN or RST behind HTTP depends on whether something was still on its way.
    const end = ({ ended, broke }: Peer): string => (broke ? "broke off" : ended === "reset" && !this.#exactEnds ? "end" : ended);
    const shown = (peer: Peer): string => `${shownText(peer.received, large)} | ${end(peer)}`;
    const clients = this.#clients.map(shown);
    const hosts = this.#hosts.map(shown);
    this.#clear();
    let busy: readonly string[] = [];
    await eventually("the proxy is at rest", PATIENCE_MS, async () => (busy = await this.#proxy.busy()).length === 0).catch(
      (error: unknown) => {
        throw new Error(`still busy: ${busy.join(", ")}`, { cause: error });
      },
    );
    await this.#leavesNothing(this.#sockets ?? 0);
    const after = await this.#statistics();
    const exchanges = ONE_LINE_EACH.reduce((sum, name) => sum + (after.get(name) ?? 0) - (before.get(name) ?? 0), 0);
    const lines = (await this.#logLines(logged, exchanges)).map((line) => line.replaceAll(/TLS_error:\S*?TLS_error_end/g, "TLS_error"));
    const log = large ? lines.map((line) => line.replace(/ \d+ \d+ (\d+)$/, " $1")) : lines;
    const stats = [...after]
      .map(([name, value]) => [name, value - (before.get(name) ?? 0)] as const)
      .filter(([, change]) => change !== 0)
      .filter(([name]) => !large || !/flow_control_(resumed|drained)/.test(name))
      .map(([name, change]) => `${name} ${large && name.includes("flow_control") ? "some" : change}`)
      .sort();
    return { clients, hosts, log, stats };
  }

  async #fewestSockets(): Promise<number> {
    let fewest = Number.POSITIVE_INFINITY;
    for (const until = performance.now() + SETTLED_MS; performance.now() < until;) {
      fewest = Math.min(fewest, this.#proxy.sockets());
      await new Promise((done) => setTimeout(done, SETTLED_MS / 20));
    }
    return fewest;
  }

  /** Gauges say what the proxy believes; this is what the system and our threads hold. */
  async #leavesNothing(sockets: number): Promise<void> {
    let found = "";
    await eventually("nothing is left", PATIENCE_MS, async () => {
      const left = Object.entries(await this.#proxy.held(false)).filter(([name]) => !AT_REST.test(name));
      const open = this.#proxy.sockets() - sockets;
      found = [...left.map(([name, count]) => `${count} ${name}`), ...(open > 0 ? [`${open} sockets`] : [])].join(", ");
      return found === "" ? true : undefined;
    }).catch((error: unknown) => {
      throw new Error(`left behind: ${found}`, { cause: error });
    });
  }

  /** For the end of an act: objects of connections and streams that something still points at. */
  async keepsNoObjects(): Promise<void> {
    let found: readonly string[] = [];
    await eventually("no object is left", PATIENCE_MS, async () => {
      found = Object.entries(await this.#proxy.held(true))
        .filter(([name]) => !AT_REST.test(name))
        .map(([name, count]) => `${count} ${name}`);
      return found.length === 0 ? true : undefined;
    }).catch((error: unknown) => {
      throw new Error(`kept: ${found.join(", ")}`, { cause: error });
    });
  }

  #clear(): void {
    for (const peer of [...this.#clients, ...this.#hosts]) peer.close();
    this.#clients = [];
    this.#hosts = [];
    this.#taken = 0;
    this.hostSocket = undefined;
  }

  async #statistics(): Promise<ReadonlyMap<string, number>> {
    const stats = await this.#proxy.stats(COUNTED);
    return new Map(
      [...stats]
        .filter(([name]) => !NOT_COMPARED.test(name))
        .map(([name, value]) => [
          name.replace(/^listener\.127\.0\.0\.1_\d+/, "listener").replace(/^cluster\.outbound.*local\./, "cluster."),
          value,
        ]),
    );
  }

  /** At least as many as there were exchanges, and then until no more come. */
  async #logLines(from: number, exchanges: number): Promise<readonly string[]> {
    await eventually("the access log", LOG_MS, () => this.#proxy.log().length >= from + exchanges).catch(() => {});
    for (let lines = this.#proxy.log().length; ; lines = this.#proxy.log().length) {
      await new Promise((done) => setTimeout(done, LOG_QUIET_MS));
      if (this.#proxy.log().length === lines) return this.#proxy.log().slice(from);
    }
  }

  async close(): Promise<void> {
    await this.#proxy.stop();
    this.#server?.close();
    await this.#stalled?.close();
  }
}
