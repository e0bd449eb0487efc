// CONNECT through a real Envoy and through our proxy: ended at a TCP host, passed on to a proxy that ends it, refused. What the client gets,
// what the host gets, what is logged and counted must be the same; and each of the two ends the tunnels that the other begins.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import type { IncomingHttpHeaders } from "node:http2";
import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import type { JsonObject } from "@bufbuild/protobuf";
import { freePort } from "../harness/free-port.ts";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import type { LoneProxy } from "../harness/lone-proxy.ts";
import { eventually } from "../harness/mesh.ts";
import { TcpClient } from "./tcp-client.ts";

type Kind = "envoy" | "mizzen";
/** `name`: the host that is asked for, without its port. */
type Talk = (port: number, name: string) => Promise<Client>;

interface Client {
  readonly head: readonly string[];
  readonly body: string;
  /** How the stream of HTTP/2 ended. */
  readonly over?: string;
}

interface Host {
  readonly port: number;
  readonly got: readonly string[];
  close(): void;
}

/** What a TCP host does with a connection. Each chunk that it gets is kept. */
type Behaviour = (socket: Socket, got: (text: string) => void) => void;

const echo: Behaviour = (socket, got) => {
  socket.write("hello ");
  socket.on("data", (chunk) => {
    const text = String(chunk).replaceAll(/127\.0\.0\.1 \d+ \d+/g, "127.0.0.1 P P");
    got(text);
    socket.write(text);
  });
  socket.on("end", () => socket.end("bye"));
};
/** Ends first, once it has the ping. */
const leaves: Behaviour = (socket, got) => {
  let all = "";
  socket.write("hello ");
  socket.on("data", (chunk) => {
    const text = String(chunk).replaceAll(/127\.0\.0\.1 \d+ \d+/g, "127.0.0.1 P P");
    got(text);
    all += text;
    if (all.endsWith("ping")) socket.end(all);
  });
};
const breaks: Behaviour = (socket) => void socket.on("data", () => socket.resetAndDestroy());
/** An HTTP/1.1 proxy. */
const answersConnect =
  (answer: string): Behaviour =>
  (socket, got) => {
    const server = createHttpServer();
    server.on("connect", ({ method, url, headers }, tunnel: Socket, head: Buffer) => {
      got([method, url, headers["host"], headers["x-from"], head.length].join(" "));
      tunnel.on("error", () => {});
      tunnel.write(answer);
      if (answer.startsWith("HTTP/1.1 2")) tunnel.on("data", (chunk: Buffer) => tunnel.end(chunk));
    });
    server.emit("connection", socket);
  };

async function startHost(behave: Behaviour | undefined, port = 0): Promise<Host> {
  const got: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    behave?.(socket, (text) => got.push(text));
  });
  if (behave === undefined) return { port, got, close: () => {} };
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, got, close };
}

/** CONNECT by HTTP/1.1, then `ping` and the end of our half. */
const byHttp1: Talk = async (port, name) => {
  const client = new TcpClient(port);
  client.say(`CONNECT ${name}:443 HTTP/1.1\r\nHost: ${name}:443\r\n\r\n`);
  await client.hears("an answer", (got) => got.includes("\r\n\r\n"));
  if (client.got.startsWith("HTTP/1.1 200")) client.say("ping");
  await client.hears("an echo or the end", (got) => got.endsWith("ping"));
  await client.end();
  const [head = "", ...rest] = client.got.split("\r\n\r\n");
  const lines = head.split("\r\n").filter((line) => !line.startsWith("date:"));
  return { head: lines.map((line) => line.toLowerCase()).toSorted(), body: rest.join("") };
};

/** `early`: the ping comes with the head. */
const byHttp2 =
  (pseudoOf: (name: string) => Record<string, string>, early = false): Talk =>
  async (port, name) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    session.on("error", () => {});
    const stream = session.request(pseudoOf(name), { endStream: false });
    let answer: IncomingHttpHeaders | undefined;
    let body = "";
    let over = "";
    stream.on("response", (headers) => {
      answer = headers;
      if (!early && headers[":status"] === 200) stream.write("ping");
    });
    stream.on("data", (chunk) => (body += String(chunk)));
    stream.on("end", () => (over ||= "end"));
    stream.on("error", () => (over ||= "error"));
    stream.on("close", () => (over ||= `code ${stream.rstCode}`));
    if (early) stream.write("ping");
    await eventually("an answer", 30_000, () =>
      Promise.resolve((answer !== undefined && body.includes("ping")) || over !== "" ? true : undefined),
    );
    stream.end();
    await eventually("the end", 30_000, () => Promise.resolve(over === "" ? undefined : true));
    session.destroy();
    const head = Object.entries(answer ?? {}).flatMap(([name, value]) => (name === "date" ? [] : [`${name}: ${String(value)}`]));
    return { head, body, over };
  };

const CLUSTER = "outbound|80||backend.default.svc.cluster.local";
const MANAGER: JsonObject = { upgradeConfigs: [{ upgradeType: "CONNECT" }], http2ProtocolOptions: { allowConnect: true } };
const CONNECT_MATCH: JsonObject = { connectMatcher: {} };

function ending(connectConfig: JsonObject = {}, route: JsonObject = {}): JsonObject {
  return {
    match: CONNECT_MATCH,
    route: { cluster: CLUSTER, upgradeConfigs: [{ upgradeType: "CONNECT", connectConfig }], ...route },
  };
}

const passing: JsonObject = { match: CONNECT_MATCH, route: { cluster: CLUSTER } };
const connectTo = (name: string): Record<string, string> => ({ ":method": "CONNECT", ":authority": `${name}:443` });
const H2_CONNECT = byHttp2(connectTo);
const H2_EARLY = byHttp2(connectTo, true);
const H2_POST = byHttp2((name) => ({ ":method": "POST", ":authority": name, ":path": "/", ":scheme": "http" }));

interface Scenario {
  readonly talk: Talk;
  /** Undefined: nobody listens. */
  readonly host: Behaviour | undefined;
  readonly routes: readonly JsonObject[];
  /** Fields of a connection manager of its own. */
  readonly manager?: JsonObject;
}

const HTTP2: JsonObject = {
  typedExtensionProtocolOptions: {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      explicitHttpConfig: { http2ProtocolOptions: {} },
    },
  },
};
const OK = "HTTP/1.1 200 OK\r\n\r\n";
const SCENARIOS: readonly (readonly [what: string, scenario: Scenario])[] = [
  ["HTTP/2, ended here", { talk: H2_CONNECT, host: echo, routes: [ending()] }],
  ["HTTP/2, ended here, with bytes behind the head", { talk: H2_EARLY, host: echo, routes: [ending()] }],
  ["HTTP/1.1, the host ends first", { talk: byHttp1, host: leaves, routes: [ending()] }],
  ["HTTP/2, the host ends first", { talk: H2_CONNECT, host: leaves, routes: [ending()] }],
  ["HTTP/1.1, the host breaks", { talk: byHttp1, host: breaks, routes: [ending()] }],
  ["HTTP/2, the host breaks", { talk: H2_CONNECT, host: breaks, routes: [ending()] }],
  ["HTTP/1.1, nobody listens", { talk: byHttp1, host: undefined, routes: [ending()] }],
  [
    "HTTP/1.1, nobody listens, tried again",
    { talk: byHttp1, host: undefined, routes: [ending({}, { retryPolicy: { retryOn: "connect-failure", numRetries: 2 } })] },
  ],
  ["HTTP/2, nobody listens", { talk: H2_CONNECT, host: undefined, routes: [ending()] }],
  ["PROXY protocol in front", { talk: byHttp1, host: leaves, routes: [ending({ proxyProtocolConfig: { version: "V1" } })] }],
  [
    "a POST that is taken for a tunnel",
    { talk: H2_POST, host: echo, routes: [{ ...ending({ allowPost: true }), match: { prefix: "/" } }] },
  ],
  ["passed on and refused", { talk: byHttp1, host: answersConnect("HTTP/1.1 403 no\r\ncontent-length: 2\r\n\r\nno"), routes: [passing] }],
  ["no route that takes a CONNECT", { talk: byHttp1, host: echo, routes: [{ match: { prefix: "/" }, route: { cluster: CLUSTER } }] }],
  ["upgrades that do not name CONNECT", { talk: byHttp1, host: echo, routes: [passing], manager: { upgradeConfigs: [] } }],
  [
    "switched off by the route",
    { talk: byHttp1, host: echo, routes: [ending({}, { upgradeConfigs: [{ upgradeType: "CONNECT", enabled: false }] })] },
  ],
];

const COUNTED =
  /^(http\.lone\.(downstream_cx_upgrades_total|downstream_rq_(total|[2345]xx|rx_reset|tx_reset|ws_on_non_ws_route)|no_route|rq_total)|cluster\.outbound.*local\.(upstream_cx_(total|connect_fail|destroy|destroy_local|destroy_remote|none_healthy|http1_total|http2_total)|upstream_rq_(total|[2345]xx|completed|pending_total|pending_failure_eject|rx_reset|tx_reset|retry)))$/;

/** Passed on, to a host that ends the tunnel when it has the ping. */
const PASSED_ON: readonly (readonly [version: string, scenario: Scenario])[] = [
  ["HTTP/1.1", { talk: byHttp1, host: answersConnect(OK), routes: [passing] }],
  ["HTTP/2", { talk: H2_CONNECT, host: answersConnect(OK), routes: [passing] }],
];
const HALF: Scenario = { talk: byHttp1, host: echo, routes: [ending()] };

const ALL = [...SCENARIOS, ...PASSED_ON].map(([, scenario]) => scenario).concat(HALF);
/** Each scenario has a host of its own to ask for, so that all of them share two proxies. */
const nameOf = (scenario: Scenario): string => `s${ALL.indexOf(scenario)}.example`;
const VIRTUAL_HOSTS = ALL.map((scenario): JsonObject => {
  const name = nameOf(scenario);
  return { name, domains: [name, `${name}:443`], routes: [...scenario.routes] };
});

interface Shared {
  readonly proxy: LoneProxy;
  readonly hostPort: number;
}

const shared = new Map<string, Promise<Shared>>();
after(() => Promise.all([...shared.values()].map(async (one) => (await one).proxy.stop())));

function proxyOf(kind: Kind, manager: JsonObject): Promise<Shared> {
  const key = `${kind} ${JSON.stringify(manager)}`;
  const known = shared.get(key);
  if (known !== undefined) return known;
  const start = async (): Promise<Shared> => {
    const hostPort = await freePort();
    const options = { backendPort: hostPort, virtualHosts: VIRTUAL_HOSTS, manager: { ...MANAGER, ...manager } };
    return { proxy: await startLoneProxy(kind, options), hostPort };
  };
  const starting = start();
  shared.set(key, starting);
  return starting;
}

interface Measured {
  readonly client: Client;
  readonly host: string;
  readonly log: readonly string[];
  readonly stats: readonly string[];
}

async function measure(kind: Kind, scenario: Scenario): Promise<Measured> {
  const { proxy, hostPort } = await proxyOf(kind, scenario.manager ?? {});
  const host = await startHost(scenario.host, hostPort);
  const [before, logged] = [await proxy.stats(COUNTED), proxy.log().length];
  try {
    const client = await scenario.talk(proxy.port, nameOf(scenario));
    const log = await eventually("a log line", 30_000, () => (proxy.log().length > logged ? proxy.log().slice(logged) : undefined));
    await eventually("rest", 30_000, async () => ((await proxy.busy()).length === 0 ? true : undefined));
    const stats = [...(await proxy.stats(COUNTED))].flatMap(([name, value]) => {
      const change = value - (before.get(name) ?? 0);
      return change === 0 ? [] : [`${name.replace(/^cluster\.outbound.*local\./, "")} ${change}`];
    });
    return { client, host: host.got.join(""), log, stats: stats.toSorted((a, b) => (a < b ? -1 : 1)) };
  } finally {
    host.close();
  }
}

const measureBoth = (scenario: Scenario): Promise<[envoy: Measured, ours: Measured]> =>
  Promise.all([measure("envoy", scenario), measure("mizzen", scenario)]);

for (const [what, scenario] of SCENARIOS) {
  test(`CONNECT is dealt with as Envoy does: ${what}`, async () => {
    const [envoy, ours] = await measureBoth(scenario);
    assert.deepEqual(ours, envoy);
  });
}

for (const [version, scenario] of PASSED_ON) {
  test(`a CONNECT of ${version} is passed on over HTTP/1.1, and its end is an end where Envoy's is a break`, async () => {
    const [envoy, ours] = await measureBoth(scenario);
    const { log, stats, ...rest } = ours;
    const { over, ...client } = rest.client;
    assert.deepEqual({ client, host: rest.host }, { client: { head: envoy.client.head, body: "ping" }, host: envoy.host });
    assert.deepEqual(log, ["- 200 - via_upstream 4 4 1"]);
    assert.deepEqual(envoy.log, ["- 200 UC upstream_reset_after_response_started{connection_termination} 4 4 1"]);
    assert.deepEqual([...stats, "http.lone.downstream_rq_tx_reset 1"].toSorted(), envoy.stats);
    if (version === "HTTP/2") assert.deepEqual([over, envoy.client.over], ["end", "error"]);
  });
}

test("half of a tunnel of HTTP/1.1 can end before the other, where Envoy ends both", async () => {
  const [envoy, ours] = await measureBoth(HALF);
  assert.deepEqual([envoy.client.body, envoy.log], ["hello ping", ["- 200 DC downstream_remote_disconnect 4 10 1"]]);
  assert.deepEqual([ours.client.body, ours.log], ["hello pingbye", ["- 200 - via_upstream 4 13 1"]]);
});

/** Sends `ping` and the end of its half, until the other half ends. */
async function plainly(port: number): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  let got = "";
  let over = false;
  socket.on("data", (chunk) => (got += String(chunk)));
  socket.on("error", () => {});
  socket.on("close", () => (over = true));
  socket.write("ping");
  await eventually("an answer", 30_000, () => Promise.resolve(got.endsWith("ping") || over ? true : undefined));
  socket.end();
  await eventually("the end", 30_000, () => Promise.resolve(over ? true : undefined));
  return got;
}

for (const [version, cluster, behave] of [
  ["HTTP/1.1", {}, leaves],
  ["HTTP/2", HTTP2, echo],
] as const) {
  describe(`tunnels over ${version}`, () => {
    let host: Host;
    const proxies: LoneProxy[] = [];
    const kept = async (starting: Promise<LoneProxy>): Promise<LoneProxy> => {
      const proxy = await starting;
      proxies.push(proxy);
      return proxy;
    };
    /** What ends tunnels, and what passes them on to that. */
    const ends = new Map<Kind, { readonly end: LoneProxy; readonly passing: LoneProxy }>();

    before(async () => {
      host = await startHost(behave);
      for (const kind of ["envoy", "mizzen"] as const) {
        const end = await kept(startLoneProxy(kind, { backendPort: host.port, routes: [ending()], manager: MANAGER }));
        const passingOptions = { backendPort: end.port, routes: [passing], manager: MANAGER, cluster };
        ends.set(kind, { end, passing: await kept(startLoneProxy("mizzen", passingOptions)) });
      }
    });

    after(async () => {
      await Promise.all(proxies.map((proxy) => proxy.stop()));
      host.close();
    });

    for (const [first, last] of [
      ["envoy", "mizzen"],
      ["mizzen", "envoy"],
      ["mizzen", "mizzen"],
    ] as const) {
      for (const [middle, passedOn] of [
        ["", false],
        [" through one more of ours", true],
      ] as const) {
        test(`a tunnel over ${version} that ${first} begins and ${last} ends${middle} carries bytes both ways`, async () => {
          const { end, passing: between } = ends.get(last)!;
          const next = passedOn ? between : end;
          const tcpProxy = { tunnelingConfig: { hostname: "host.example:443" } };
          const begin = await kept(startLoneProxy(first, { backendPort: next.port, tcpProxy, cluster }));
          const had = host.got.length;
          assert.equal(await plainly(begin.port), version === "HTTP/1.1" ? "hello ping" : "hello pingbye");
          assert.equal(host.got.slice(had).join(""), "ping");
        });
      }
    }
  });
}
