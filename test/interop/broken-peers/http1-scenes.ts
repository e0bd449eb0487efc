// HTTP/1 on both sides: who breaks off, in which phase of a request, and how.
import type { JsonObject } from "@bufbuild/protobuf";
import { breaks, fill, inPhase } from "./breaks.ts";
import type { Break } from "./breaks.ts";
import type { Peer } from "./peer.ts";
import { ROUTES } from "./routes.ts";
import type { Act, Scene, Stage } from "./stage.ts";

const HOST_LINE = "Host: a.example\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const LENGTH_20 = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n";
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const UNTIL_CLOSE = "HTTP/1.1 200 OK\r\n\r\n";
const BUSY = "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno";
const SWITCHED = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

const get = (stage: Stage, folder = ""): string => `GET /${folder}${stage.id} HTTP/1.1\r\n${HOST_LINE}\r\n`;
const post = (stage: Stage, folder = ""): string => `POST /${folder}${stage.id} HTTP/1.1\r\n${HOST_LINE}Content-Length: 10\r\n\r\n`;
const postChunked = (stage: Stage, folder = ""): string =>
  `POST /${folder}${stage.id} HTTP/1.1\r\n${HOST_LINE}Transfer-Encoding: chunked\r\n\r\n`;
const upgrade = (stage: Stage): string =>
  `GET /${stage.id} HTTP/1.1\r\n${HOST_LINE}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`;

const UNTIL_RESET = "a body that ends with its connection is cut short by a reset; Envoy says that it is whole";
const HALF_BY_HALF = "a WebSocket's connection ends half by half, so that what is on its way arrives; Envoy ends both with the first";

const RQ_ACTIVE = /^http\.lone\.downstream_rq_active$/;
const CX_ACTIVE = /^http\.lone\.downstream_cx_active$/;
const CLIENT_SCENES: readonly Scene[] = [
  ...inPhase("a client before its first byte", async (stage, how) => {
    const client = await stage.client();
    await stage.counts(CX_ACTIVE, 1);
    breaks(client, how);
  }),
  ...inPhase("a client within the head of its request", async (stage, how) => {
    const client = await stage.client();
    client.say(`GET /${stage.id} HTTP/1.1\r\nHos`);
    await client.isHeard();
    breaks(client, how);
  }),
  ...inPhase("a client behind the head of its request", async (stage, how) => {
    const { client } = await stage.asked(post(stage));
    breaks(client, how);
    await stage.counts(RQ_ACTIVE, 0);
  }),
  ...inPhase("a client within the body of its request", async (stage, how) => {
    const { client, host } = await stage.asked(`${post(stage)}01234`);
    await host.hears("01234");
    breaks(client, how);
    await host.isEnded();
  }),
  ...inPhase("a client within the chunked body of its request", async (stage, how) => {
    const { client, host } = await stage.asked(`${postChunked(stage)}5\r\n01234\r\n`);
    await host.hears("01234");
    breaks(client, how);
    await host.isEnded();
  }),
  ...inPhase("a client within a chunk of its request", async (stage, how) => {
    const { client, host } = await stage.asked(`${postChunked(stage)}a\r\n01234`);
    await host.hears("01234");
    breaks(client, how);
    await host.isEnded();
  }),
  ...inPhase("a client before the response", async (stage, how) => {
    const { client, host } = await stage.asked(get(stage));
    breaks(client, how);
    await host.isEnded();
  }),
  ...inPhase("a client that may be tried again, before the response", async (stage, how) => {
    const { client, host } = await stage.asked(get(stage, "retry/"));
    breaks(client, how);
    await host.isEnded();
  }),
  ...inPhase("a client behind the head of the response", async (stage, how) => {
    const { client, host } = await stage.asked(get(stage));
    host.say(LENGTH_20);
    await client.hears("\r\n\r\n");
    breaks(client, how);
    await host.isEnded();
  }),
  ...inPhase("a client within the body of the response", async (stage, how) => {
    const { client, host } = await stage.asked(get(stage));
    host.say(`${LENGTH_20}01234`);
    await client.hears("01234");
    breaks(client, how);
    await host.isEnded();
  }),
  ...inPhase("a client within the chunked body of the response", async (stage, how) => {
    const { client, host } = await stage.asked(get(stage));
    host.say(`${CHUNKED}5\r\n01234\r\n`);
    await client.hears("01234");
    breaks(client, how);
    await host.isEnded();
  }),
  ...inPhase("a client between two requests", async (stage, how) => {
    const { client, host } = await stage.asked(get(stage));
    host.say(OK);
    await client.hears("ok");
    breaks(client, how);
    await stage.counts(CX_ACTIVE, 0);
  }),
  ...inPhase(
    "a client that does not read the response",
    async (stage, how) => {
      const { client, host } = await stage.asked(get(stage));
      client.socket.pause();
      host.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
      await fill(host);
      breaks(client, how === "ends its half" ? "closes" : how);
      await host.isEnded();
    },
    { large: true },
  ),
  ...inPhase("a client during the wait before another try", async (stage, how) => {
    const { client, host } = await stage.asked(get(stage, "patient/"));
    host.say(BUSY);
    await stage.counts(/^cluster\.outbound.*upstream_rq_active$/, 0);
    breaks(client, how);
    await stage.counts(RQ_ACTIVE, 0);
  }),
];

const HOST_SCENES: readonly Scene[] = ["", "retry/", "istio/", "before/"].flatMap((folder): readonly Scene[] => {
  const on = folder === "" ? "" : ` (${folder})`;
  /** Plays the same at each try. */
  const atEachTry = (
    phase: string,
    request: (stage: Stage) => string,
    breakOff: (host: Peer, how: Break, client: Peer) => Promise<void>,
  ): readonly Scene[] =>
    inPhase(`${phase}${on}`, async (stage, how) => {
      const client = await stage.client();
      client.say(request(stage));
      for (let host = await stage.nextHost(client); host !== undefined; host = await stage.nextHost(client)) {
        await host.hears("\r\n\r\n");
        await breakOff(host, how, client);
      }
    });
  return [
    ...atEachTry(
      "a host before its response",
      (stage) => get(stage, folder),
      async (host, how) => breaks(host, how),
    ),
    ...atEachTry(
      "a host before its response to a body",
      (stage) => `${post(stage, folder)}0123456789`,
      async (host, how) => {
        await host.hears("0123456789");
        breaks(host, how);
      },
    ),
    ...atEachTry(
      "a host within a body that is sent to it",
      (stage) => `${post(stage, folder)}01234`,
      async (host, how) => {
        await host.hears("01234");
        breaks(host, how);
      },
    ),
    ...atEachTry(
      "a host within the head of its response",
      (stage) => get(stage, folder),
      async (host, how) => {
        host.say("HTTP/1.1 200 OK\r\nConte");
        await host.isHeard();
        breaks(host, how);
      },
    ),
    ...atEachTry(
      "a host behind an interim response",
      (stage) => get(stage, folder),
      async (host, how, client) => {
        host.say("HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n");
        await client.hears("103");
        breaks(host, how);
      },
    ),
  ];
});

const RESPONSE_SCENES: readonly Scene[] = [
  ["behind the head of its response", LENGTH_20, "\r\n\r\n"],
  ["within the body of its response", `${LENGTH_20}01234`, "01234"],
  ["within the chunked body of its response", `${CHUNKED}5\r\n01234\r\n`, "01234"],
  ["within a chunk of its response", `${CHUNKED}a\r\n01234`, "01234"],
  ["within a body without a length", `${UNTIL_CLOSE}01234`, "01234"],
  ["behind a whole response", OK, "ok"],
  ["behind a whole response that says so", `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok`, "ok"],
].flatMap(([phase = "", bytes = "", seen = ""]) =>
  ["", "retry/"].flatMap((folder) =>
    inPhase(
      `a host ${phase}${folder === "" ? "" : ` (${folder})`}`,
      async (stage, how) => {
        const { client, host } = await stage.asked(get(stage, folder));
        host.say(bytes);
        await client.hears(seen);
        await host.isHeard();
        breaks(host, how);
        await stage.counts(/^cluster\.outbound.*upstream_cx_active$/, 0);
      },
      bytes.startsWith(UNTIL_CLOSE) ? { different: { resets: UNTIL_RESET } } : {},
    ),
  ),
);

const REUSE_SCENES: readonly Scene[] = ["", "retry/", "istio/", "before/"].flatMap((folder) =>
  inPhase(`a host at the next request on its connection${folder === "" ? "" : ` (${folder})`}`, async (stage, how) => {
    const { client, host } = await stage.asked(get(stage));
    host.say(OK);
    await client.hears("ok");
    client.say(`${post(stage, folder)}0123456789`);
    await host.hears("0123456789");
    breaks(host, how);
    if (folder === "retry/") {
      const other = await stage.host();
      await other.hears("0123456789");
      other.say(BUSY.replace("503 No", "404 No"));
    }
    await client.hears("HTTP/1.1 200 OK");
    await stage.counts(RQ_ACTIVE, 0);
  }),
);

const OTHER_SCENES: readonly Scene[] = [
  {
    what: "a host that is back at the second try",
    async play(stage) {
      const { client, host } = await stage.asked(`${post(stage, "retry/")}0123456789`);
      await host.hears("0123456789");
      host.reset();
      const other = await stage.host();
      await other.hears("0123456789");
      other.say(OK);
      await client.hears("ok");
    },
  },
  {
    what: "a host that answers 503, then breaks off, then is back",
    async play(stage) {
      const { client, host } = await stage.asked(get(stage, "retry/"));
      host.say(BUSY);
      const second = await stage.host();
      await second.hears("\r\n\r\n");
      second.reset();
      const third = await stage.host();
      await third.hears("\r\n\r\n");
      third.say(OK);
      await client.hears("ok");
    },
  },
  {
    what: "a host that answers before it has the whole request, and closes",
    async play(stage) {
      const { client, host } = await stage.asked(`${post(stage)}01234`);
      await host.hears("01234");
      host.say("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
      host.end();
      await client.hears("no");
    },
  },
  {
    what: "a host that answers before it has the whole request, and waits for more",
    async play(stage) {
      const { client, host } = await stage.asked(`${post(stage)}01234`);
      await host.hears("01234");
      host.say(OK);
      await client.hears("ok");
      client.say("56789");
      await host.isEnded();
    },
  },
  ...(["closes", "resets"] as const).map((how): Scene => ({
    what: `a host that does not read the request, and ${how}`,
    large: true,
    async play(stage) {
      const { client, host } = await stage.asked(post(stage).replace("10", "1000000000"));
      host.socket.pause();
      await fill(client);
      breaks(host, how);
      await client.isEnded();
    },
  })),
  ...(["closes", "resets"] as const).map((how): Scene => ({
    what: `a host that is not read from, and ${how}`,
    large: true,
    async play(stage) {
      const { client, host } = await stage.asked(get(stage));
      client.socket.pause();
      host.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
      await fill(host);
      breaks(host, how);
      client.socket.resume();
      await client.isEnded();
    },
  })),
  {
    what: "a host that is silent for longer than the route allows",
    async play(stage) {
      const { client } = await stage.asked(get(stage, "short/"));
      await client.hears("\r\n\r\n");
    },
  },
  {
    what: "a host that is silent within its response for longer than the route allows",
    async play(stage) {
      const { client, host } = await stage.asked(get(stage, "short/"));
      host.say(`${LENGTH_20}01234`);
      await client.isEnded();
    },
  },
  {
    what: "a host that is silent at each try",
    async play(stage) {
      const { client } = await stage.asked(get(stage, "tries/"));
      await (await stage.host()).hears("\r\n\r\n");
      await client.hears("\r\n\r\n");
    },
  },
  {
    what: "a host that is silent for longer than the stream may be idle",
    async play(stage) {
      const { client } = await stage.asked(get(stage, "idle/"));
      await client.hears("\r\n\r\n");
    },
  },
  {
    what: "a client that is silent within its body for longer than the stream may be idle",
    async play(stage) {
      const { client } = await stage.asked(`${post(stage, "idle/")}01234`);
      await client.isEnded();
    },
  },
  {
    what: "a host that is silent within its response for longer than the stream may be idle",
    async play(stage) {
      const { client, host } = await stage.asked(get(stage, "idle/"));
      host.say(`${CHUNKED}5\r\n01234\r\n`);
      await client.isEnded();
    },
  },
];

const UPGRADE_SCENES: readonly Scene[] = [
  ...inPhase("a client before its protocol is switched", async (stage, how) => {
    const { client, host } = await stage.asked(upgrade(stage));
    breaks(client, how);
    await host.isEnded();
  }),
  ...inPhase("a host before the protocol is switched", async (stage, how) => {
    const { client, host } = await stage.asked(upgrade(stage));
    breaks(host, how);
    await client.isEnded();
  }),
  ...inPhase(
    "a client of a WebSocket",
    async (stage, how) => {
      const { client, host } = await stage.asked(upgrade(stage));
      host.say(`${SWITCHED}hello`);
      await client.hears("hello");
      client.say("hi");
      await host.hears("hi");
      breaks(client, how);
      await host.isEnded();
      if (how !== "ends its half") return;
      host.say("bye");
      host.end();
      await client.isEnded();
    },
    { different: { "ends its half": HALF_BY_HALF, closes: HALF_BY_HALF } },
  ),
  ...inPhase(
    "a host of a WebSocket",
    async (stage, how) => {
      const { client, host } = await stage.asked(upgrade(stage));
      host.say(`${SWITCHED}hello`);
      await client.hears("hello");
      breaks(host, how);
      await client.isEnded();
      if (how !== "ends its half") return;
      client.say("bye");
      client.end();
      await stage.counts(RQ_ACTIVE, 0);
    },
    { different: { "ends its half": HALF_BY_HALF, closes: HALF_BY_HALF } },
  ),
  ...(["closes", "resets"] as const).flatMap((how): Scene[] => [
    {
      what: `a client of a WebSocket that does not read, and ${how}`,
      large: true,
      async play(stage) {
        const { client, host } = await stage.asked(upgrade(stage));
        host.say(SWITCHED);
        await client.hears("\r\n\r\n");
        client.socket.pause();
        await fill(host);
        breaks(client, how);
        await host.isEnded();
      },
    },
    {
      what: `a host of a WebSocket that does not read, and ${how}`,
      large: true,
      async play(stage) {
        const { client, host } = await stage.asked(upgrade(stage));
        host.say(SWITCHED);
        await client.hears("\r\n\r\n");
        host.socket.pause();
        await fill(client);
        breaks(host, how);
        await client.isEnded();
      },
    },
  ]),
];

const CONNECT_SCENES: readonly Scene[] = ["", "retry/", "istio/"].flatMap((folder): Scene[] =>
  [get, post].map((request) => ({
    what: `a request that finds no connection${request === post ? ", its body half sent" : ""} (${folder})`,
    async play(stage) {
      const client = await stage.client();
      client.say(request(stage, folder) + (request === post ? "01234" : ""));
      await client.hears("\r\n\r\n");
      // Envoy waits a while before it closes on a request that is not whole, and on a busy machine longer than for what stays open.
      if (request === post) await client.isEnded();
    },
  })),
);

const PENDING_SCENES: readonly Scene[] = inPhase("a client during the connect", async (stage, how) => {
  const client = await stage.client();
  client.say(get(stage));
  await stage.counts(/^cluster\.outbound.*upstream_rq_pending_active$/, 1);
  breaks(client, how);
  await stage.counts(RQ_ACTIVE, 0);
});

/** Clients that are slow on purpose: one byte of a head or a body now and then. */
const SLOW_SCENES: readonly Scene[] = [
  {
    what: "a client that drips the head of its request",
    async play(stage) {
      const client = await stage.client();
      for (const byte of `GET /${stage.id} HTTP/1.1\r\nHost: a.example\r\nX-Slow: ${"x".repeat(100)}`) {
        if (client.ended !== "open" || client.text !== "") break;
        client.say(byte);
        await client.isHeard();
      }
      await client.isEnded();
    },
  },
  {
    what: "a client that stops within the head of its request",
    async play(stage) {
      const client = await stage.client();
      client.say(`GET /${stage.id} HTTP/1.1\r\nHos`);
      await client.isEnded();
    },
  },
  {
    what: "a client that stops within the body of its request",
    async play(stage) {
      const { client } = await stage.asked(`${post(stage)}01234`);
      await client.isEnded();
    },
  },
  {
    what: "a client that stops between two requests",
    async play(stage) {
      const { client, host } = await stage.asked(get(stage));
      host.say(OK);
      await client.isEnded();
    },
  },
];

const IMPATIENT: JsonObject = {
  requestHeadersTimeout: "0.5s",
  requestTimeout: "0.8s",
  drainTimeout: "0.1s",
  // A byte that crosses the answer must not turn the end into a reset before the answer is read.
  delayedCloseTimeout: "1s",
  commonHttpProtocolOptions: { idleTimeout: "2s" },
};

export const HTTP1_ACTS: readonly Act[] = [
  { name: "HTTP/1, slow clients", hosts: "host", options: { routes: ROUTES, manager: IMPATIENT }, scenes: SLOW_SCENES },
  {
    name: "HTTP/1",
    hosts: "host",
    options: { routes: ROUTES },
    scenes: [...CLIENT_SCENES, ...HOST_SCENES, ...RESPONSE_SCENES, ...REUSE_SCENES, ...OTHER_SCENES, ...UPGRADE_SCENES],
  },
  { name: "HTTP/1, nobody listens", hosts: "nobody", options: { routes: ROUTES }, scenes: CONNECT_SCENES },
  {
    name: "HTTP/1, connecting takes too long",
    hosts: "stalled",
    options: { routes: ROUTES, cluster: { connectTimeout: "0.5s" } },
    scenes: [...PENDING_SCENES, ...CONNECT_SCENES],
  },
];
