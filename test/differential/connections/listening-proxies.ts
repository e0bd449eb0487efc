// Our proxy and a real Envoy with the same listeners, each on ports of its own, in front of the same upstreams: what a client gets of a
// connection, and what the listener's access log says of it.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromJson, toBinary } from "@bufbuild/protobuf";
import type { DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";
import { configRegistry as registry } from "#envoy/config-registry";
import { ClusterSchema } from "#envoy/gen/envoy/config/cluster/v3/cluster_pb";
import { ListenerSchema } from "#envoy/gen/envoy/config/listener/v3/listener_pb";
import { CLUSTER_TYPE, LISTENER_TYPE } from "#envoy/type-urls";
import { startLoneProxy } from "../../harness/lone-proxy.ts";
import type { LoneProxy } from "../../harness/lone-proxy.ts";
import { freePort } from "../../harness/free-port.ts";
import { eventually } from "../../harness/mesh.ts";
import type { ReplayResource } from "../../replay/ads-server.ts";
import { KINDS } from "../two-proxies.ts";
import type { Kind, Refusals } from "../two-proxies.ts";
import { fileLog, LINE } from "./listener-generator.ts";
import type { ConnectionPair } from "./listener-generator.ts";
import { wireOf } from "./opening.ts";
import type { Opening } from "./opening.ts";

export interface ConnectionOutcome {
  readonly said: string;
  readonly ended: "closed" | "open";
  /** Of the access log. */
  readonly logged: readonly string[];
}

export interface ListeningProxies {
  apply(pairs: readonly ConnectionPair[]): Promise<Refusals | undefined>;
  /** Of the pairs that were applied last. */
  exchange(): Promise<Map<ConnectionPair, Record<Kind, ConnectionOutcome>>>;
  close(): Promise<void>;
}

const UPSTREAMS = ["u0", "u1", "u2", "u3", "hold"] as const;
const APPLY_MS = 30_000;
const PATIENCE_MS = 1500;
const PIECES_APART_MS = 30;
/** The upstream answers when nothing more came for so long. */
const QUIET_MS = 60;
const LOG_MS = 1000;
/** Behind the pair's name and who writes the line. */
const LOG_FORMAT = [
  "%RESPONSE_FLAGS%",
  "%UPSTREAM_CLUSTER%",
  "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
  "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
  "%DOWNSTREAM_LOCAL_ADDRESS%",
  "%REQUESTED_SERVER_NAME%",
  "%BYTES_RECEIVED%",
  "%BYTES_SENT%",
].join(" ");

function resource(typeUrl: string, name: string, schema: DescMessage, json: JsonValue): ReplayResource {
  return { typeUrl, name, value: toBinary(schema, fromJson(schema, json, { registry })) };
}

async function startUpstreams(): Promise<{ readonly ports: ReadonlyMap<string, number>; close(): void }> {
  const ports = new Map<string, number>();
  const sockets = new Set<Socket>();
  const servers: Server[] = [];
  for (const name of UPSTREAMS) {
    const server = createServer((socket) => {
      sockets.add(socket);
      let bytes = 0;
      let quiet: NodeJS.Timeout | undefined;
      socket.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        clearTimeout(quiet);
        quiet = setTimeout(() => {
          const answer = `${name} got ${bytes} bytes`;
          if (name === "hold") socket.write(answer);
          else socket.end(answer);
        }, QUIET_MS);
      });
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    servers.push(server);
    ports.set(name, (server.address() as AddressInfo).port);
  }
  return {
    ports,
    close() {
      for (const socket of sockets) socket.destroy();
      for (const server of servers) server.close();
    },
  };
}

function clusters(ports: ReadonlyMap<string, number>, refusing: number): ReplayResource[] {
  const host = (port: number): JsonObject => ({ endpoint: { address: { socketAddress: { address: "127.0.0.1", portValue: port } } } });
  const cluster = (name: string, hosts: JsonObject[], more: JsonObject = {}): ReplayResource =>
    resource(CLUSTER_TYPE, name, ClusterSchema, {
      name,
      type: "STATIC",
      connectTimeout: "1s",
      loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: hosts }] },
      ...more,
    });
  return [
    ...[...ports].map(([name, port]) => cluster(name, [host(port)])),
    cluster(
      "ring",
      ["u0", "u1", "u2", "u3"].map((name) => host(ports.get(name)!)),
      { lbPolicy: "RING_HASH" },
    ),
    cluster("refusing", [host(refusing)]),
    cluster("empty", []),
  ];
}

function speak(opening: Opening, port: number): Promise<Pick<ConnectionOutcome, "said" | "ended">> {
  return new Promise((done) => {
    const wire = wireOf(opening, port);
    const socket = connect({ host: "127.0.0.1", port, localAddress: opening.from });
    const chunks: Buffer[] = [];
    const finish = (ended: ConnectionOutcome["ended"]): void => {
      clearTimeout(timer);
      socket.destroy();
      done({ said: Buffer.concat(chunks).toString("latin1"), ended });
    };
    const timer = setTimeout(() => finish("open"), PATIENCE_MS);
    socket.setNoDelay(true);
    socket.on("connect", () => {
      const last = (bytes: Buffer): void => {
        socket.write(bytes);
        // Not with it: Envoy's listener filters take a client that has ended its half for gone; ours read what it has said.
        if (opening.ends) setTimeout(() => socket.end(), PIECES_APART_MS);
      };
      if (opening.cutAt === 0) {
        last(wire);
        return;
      }
      socket.write(wire.subarray(0, opening.cutAt));
      setTimeout(() => last(wire.subarray(opening.cutAt)), PIECES_APART_MS);
    });
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => {});
    socket.on("close", () => finish("closed"));
  });
}

class Side {
  readonly kind: Kind;
  readonly proxy: LoneProxy;
  readonly #log: string;
  readonly #clusters: readonly ReplayResource[];
  #ports = new Map<ConnectionPair, number>();

  constructor(kind: Kind, proxy: LoneProxy, folder: string, clusters: readonly ReplayResource[]) {
    this.kind = kind;
    this.proxy = proxy;
    this.#log = join(folder, `${kind}.log`);
    this.#clusters = clusters;
  }

  #listener(name: string, pair: ConnectionPair, port: number): ReplayResource {
    const listener = { ...pair.listener, accessLog: [fileLog("listener")] };
    const text = JSON.stringify(listener)
      .replaceAll('"OWN"', String(port))
      .replaceAll('"LOG"', JSON.stringify(this.#log))
      .replaceAll(`"${LINE} `, `"${name} `)
      .replaceAll(" FORMAT", ` ${LOG_FORMAT}\\n`);
    const address = { socketAddress: { address: "0.0.0.0", portValue: port } };
    return resource(LISTENER_TYPE, name, ListenerSchema, { ...(JSON.parse(text) as JsonObject), name, address });
  }

  /** What it has against them. */
  async apply(generation: number, pairs: readonly ConnectionPair[]): Promise<string | undefined> {
    this.#ports = new Map();
    for (const pair of pairs) this.#ports.set(pair, await freePort());
    const listeners = [...this.#ports].map(([pair, port]) => this.#listener(`g${generation}n${pair.number}`, pair, port));
    const { ads } = this.proxy;
    const before = ads.nacks.length;
    ads.set([...this.#clusters, ...listeners]);
    return await eventually(`${this.kind} takes or refuses generation ${generation}`, APPLY_MS, async () => {
      const nack = ads.nacks[before];
      if (nack !== undefined) return nack.message;
      const listening = new Set((await this.proxy.get("/listeners")).split("\n").map((line) => line.split("::")[0]));
      return listeners.every(({ name }) => listening.has(name)) ? "" : undefined;
    }).then((message) => (message === "" ? undefined : message));
  }

  async exchange(pair: ConnectionPair): Promise<Pick<ConnectionOutcome, "said" | "ended">> {
    return await speak(pair.opening, this.#ports.get(pair)!);
  }

  logged(generation: number, pair: ConnectionPair): string[] {
    const name = `g${generation}n${pair.number} `;
    const lines = existsSync(this.#log) ? readFileSync(this.#log, "utf8").split("\n") : [];
    return lines
      .filter((line) => line.startsWith(name))
      .toSorted()
      .map((line) => line.slice(name.length).replace(`:${this.#ports.get(pair)!} `, ":OWN "));
  }
}

export async function startListeningProxies(): Promise<ListeningProxies> {
  const upstreams = await startUpstreams();
  const folder = mkdtempSync(join(tmpdir(), "mizzen-connections-"));
  const resources = clusters(upstreams.ports, await freePort());
  const sides: Side[] = [];
  for (const kind of KINDS)
    sides.push(new Side(kind, await startLoneProxy(kind, { backendPort: upstreams.ports.get("u0")! }), folder, resources));
  let generation = 0;
  let applied: readonly ConnectionPair[] = [];
  return {
    async apply(pairs) {
      generation++;
      applied = pairs;
      const refusals: Refusals = {};
      for (const [index, message] of (await Promise.all(sides.map((side) => side.apply(generation, pairs)))).entries())
        if (message !== undefined) refusals[KINDS[index]!] = message;
      return Object.keys(refusals).length === 0 ? undefined : refusals;
    },
    async exchange() {
      const answers = await Promise.all(applied.map((pair) => Promise.all(sides.map((side) => side.exchange(pair)))));
      const all = (): boolean => sides.every((side) => applied.every((pair) => side.logged(generation, pair).length > 0));
      for (const until = performance.now() + LOG_MS; !all() && performance.now() < until;)
        await new Promise((done) => setTimeout(done, 50));
      const outcome = (pair: ConnectionPair, at: number, index: number): ConnectionOutcome => ({
        ...answers[at]![index]!,
        logged: sides[index]!.logged(generation, pair),
      });
      return new Map(applied.map((pair, at) => [pair, { envoy: outcome(pair, at, 0), mizzen: outcome(pair, at, 1) }]));
    },
    async close() {
      for (const { proxy } of sides) await proxy.stop();
      upstreams.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
