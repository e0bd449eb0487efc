// Hosts of HTTP/2 that leave, in which phase, and how; their clients speak either version.
import type { JsonObject } from "@bufbuild/protobuf";
import { FrameType } from "#proxy/codec/http2/frame";
import { data, END_STREAM, ping, rstStream, settings } from "#proxy/codec/http2/frames.fake";
import { ErrorCode } from "#proxy/codec/http2/error-code";
import { eventually } from "../../harness/mesh.ts";
import { answers, framesOf, greets, head, hearsData, hearsFrame, OK, OPEN, request, WHOLE } from "./http2-peer.ts";
import { Requests } from "./http2-requests.ts";
import type { Arrived } from "./http2-requests.ts";
import { BY_CONNECTION, BY_GOAWAY, BY_HOSTS_GOAWAY, BY_STREAM, inWays } from "./http2-ways.ts";
import type { Leave } from "./http2-ways.ts";
import type { Peer } from "./peer.ts";
import { http2Hosts, ROUTES } from "./routes.ts";
import type { Act, Difference, Scene, Stage } from "./stage.ts";

const RQ_ACTIVE = /^http\.lone\.downstream_rq_active$/;
const UPSTREAM_ACTIVE = /^cluster\.outbound.*upstream_cx_active$/;
const PATIENCE_MS = 8_000;

const IN_ORDER: Readonly<Record<string, Leave>> = { ...BY_CONNECTION, ...BY_HOSTS_GOAWAY };
const ALL: Readonly<Record<string, Leave>> = { ...IN_ORDER, ...BY_STREAM };

/** How the clients of an act speak. */
interface Speech {
  asks(client: Peer, stage: Stage, folder: string, body: string | undefined): Promise<void>;
  /** The client has its answer, or no hope of one. */
  done(client: Peer): boolean;
  hearsBody(client: Peer, text: string): Promise<unknown>;
}

const HTTP1: Speech = {
  async asks(client, stage, folder, body) {
    const length = body === undefined ? "" : "Content-Length: 10\r\n";
    client.say(`${body === undefined ? "GET" : "POST"} /${folder}${stage.id} HTTP/1.1\r\nHost: a.example\r\n${length}\r\n${body ?? ""}`);
  },
  done: (client) => client.ended !== "open" || /HTTP\/1\.1 [2-5]/.test(client.text),
  hearsBody: (client, text) => client.hears(text),
};

const HTTP2: Speech = {
  async asks(client, stage, folder, body) {
    await greets(client);
    client.say(head(1, request(body === undefined ? "GET" : "POST", `/${folder}${stage.id}`), body === undefined ? WHOLE : OPEN));
    if (body !== undefined) client.say(data(1, body, body.length === 10 ? END_STREAM : 0));
  },
  done: (client) =>
    client.ended !== "open" ||
    framesOf(client).some(({ type, streamId }) => streamId === 1 && (type === FrameType.HEADERS || type === FrameType.RST_STREAM)),
  hearsBody: (client, text) => hearsData(client, 1, text.length),
};

const isDone = (client: Peer, speech: Speech): Promise<unknown> =>
  eventually("the client's answer", PATIENCE_MS, () => (speech.done(client) ? true : undefined));

/** Plays the same at each try, until the client has an answer. */
function atEachTry(
  { speech, folder, body, mute = false }: { speech: Speech; folder: string; body?: string; mute?: boolean },
  leave: (arrived: Arrived) => Promise<void> | void,
): (stage: Stage) => Promise<void> {
  return async (stage) => {
    const client = await stage.client();
    await speech.asks(client, stage, folder, body);
    const requests = new Requests(stage);
    requests.mute = mute;
    const over = (): boolean => speech.done(client);
    for (let tried = await requests.nextUnless(over); tried !== undefined; tried = await requests.nextUnless(over)) await leave(tried);
    await stage.counts(RQ_ACTIVE, 0);
  };
}

const TRAILERS: Difference = { why: "trailers go on over HTTP/1, too; Envoy passes them on only where it is told to", lines: /^clients/ };
const GOAWAY_ENDS: Difference = {
  why: "a connection whose GOAWAY let its streams end has ended well; Envoy counts it as a broken protocol",
  lines: /Envoy's: cluster\.upstream_cx_protocol_error 1/,
};
const STREAMS_END = { "says GOAWAY at its request": GOAWAY_ENDS, "says GOAWAY above its request": GOAWAY_ENDS };

function beforeTheResponse(speech: Speech, folder: string): readonly Scene[] {
  const on = folder === "" ? "" : ` (${folder})`;
  const phase = (
    what: string,
    ways: Readonly<Record<string, Leave>>,
    options: { body?: string; mute?: boolean },
    before: (arrived: Arrived) => Promise<unknown> | void = () => {},
  ): readonly Scene[] =>
    inWays(`a host ${what}${on}`, ways, (stage, leave) =>
      atEachTry({ speech, folder, ...options }, async (arrived) => {
        await before(arrived);
        leave(arrived.host, arrived.streamId);
      })(stage),
    );
  return [
    ...phase("before its SETTINGS", BY_CONNECTION, { mute: true }),
    ...phase("before its response", ALL, {}),
    ...phase("before its response to a body", ALL, { body: "0123456789" }, ({ host, streamId }) => hearsData(host, streamId, 10)),
    ...phase("within a body that is sent to it", ALL, { body: "01234" }, ({ host, streamId }) => hearsData(host, streamId, 5)),
    ...phase("within the head of its response", BY_CONNECTION, {}, async ({ host, streamId }) => {
      host.say(head(streamId, OK, OPEN).subarray(0, -3));
      await host.isHeard();
    }),
    ...phase("between HEADERS and CONTINUATION", BY_CONNECTION, {}, async ({ host, streamId }) => {
      host.say(head(streamId, OK, 0));
      await host.isHeard();
    }),
    ...phase("behind an interim response", ALL, {}, async ({ host, streamId }) => {
      host.say(head(streamId, [[":status", "103"]], OPEN));
      await host.isHeard();
    }),
  ];
}

function withinTheResponse(speech: Speech, folder: string): readonly Scene[] {
  const on = folder === "" ? "" : ` (${folder})`;
  const phase = (
    what: string,
    ways: Readonly<Record<string, Leave>>,
    bytes: (streamId: number) => Buffer,
    seen: string,
    options: Parameters<typeof inWays>[3] = {},
  ): readonly Scene[] =>
    inWays(
      `a host ${what}${on}`,
      ways,
      async (stage, leave) => {
        const client = await stage.client();
        await speech.asks(client, stage, folder, undefined);
        const { host, streamId } = await new Requests(stage).next();
        host.say(bytes(streamId));
        await isDone(client, speech);
        await speech.hearsBody(client, seen);
        await host.isHeard();
        leave(host, streamId);
        await stage.counts(RQ_ACTIVE, 0);
      },
      options,
    );
  return [
    ...phase("behind the head of its response", ALL, (id) => head(id, OK, OPEN), ""),
    ...phase("within the body of its response", ALL, (id) => Buffer.concat([head(id, OK, OPEN), data(id, "01234")]), "01234"),
    ...phase(
      "within a DATA frame",
      BY_CONNECTION,
      (id) => Buffer.concat([head(id, OK, OPEN), data(id, "01234"), data(id, "56789").subarray(0, 9)]),
      "01234",
    ),
    ...phase(
      "within a body whose length it said",
      ALL,
      (id) => Buffer.concat([head(id, [...OK, ["content-length", "20"]], OPEN), data(id, "01234")]),
      "01234",
    ),
    ...phase("behind a whole response", ALL, (id) => Buffer.concat([head(id, OK, OPEN), data(id, "ok", END_STREAM)]), "ok"),
    ...phase(
      "behind trailers",
      IN_ORDER,
      (id) => Buffer.concat([head(id, OK, OPEN), data(id, "ok"), head(id, [["x-sum", "2"]], WHOLE)]),
      "ok",
      speech === HTTP1 ? { different: { "*": TRAILERS } } : {},
    ),
  ];
}

/** GOAWAY with requests on their way; the connection stays. */
function goaways(folder: string): readonly Scene[] {
  const on = folder === "" ? "" : ` (${folder})`;
  return [
    ...inWays(
      `a host, and answers${on}`,
      BY_GOAWAY,
      async (stage, leave) => {
        const client = await stage.client();
        await HTTP1.asks(client, stage, folder, undefined);
        const requests = new Requests(stage);
        const first = await requests.next();
        leave(first.host, first.streamId);
        await first.host.isHeard();
        answers(first.host, first.streamId);
        const over = (): boolean => HTTP1.done(client);
        for (let tried = await requests.nextUnless(over); tried !== undefined; tried = await requests.nextUnless(over))
          answers(tried.host, tried.streamId, OK, "retried");
        await stage.counts(RQ_ACTIVE, 0);
      },
      { different: STREAMS_END },
    ),
    ...inWays(
      `a host within its response${on}`,
      BY_GOAWAY,
      async (stage, leave) => {
        const client = await stage.client();
        await HTTP1.asks(client, stage, folder, undefined);
        const { host, streamId } = await new Requests(stage).next();
        host.say(head(streamId, OK, OPEN));
        await isDone(client, HTTP1);
        leave(host, streamId);
        await host.isHeard();
        host.say(data(streamId, "ok", END_STREAM));
        await stage.counts(RQ_ACTIVE, 0);
      },
      { different: STREAMS_END },
    ),
    ...inWays(`a host without requests, and the next one finds another connection${on}`, BY_GOAWAY, async (stage, leave) => {
      const client = await stage.client();
      await HTTP1.asks(client, stage, folder, undefined);
      const requests = new Requests(stage);
      const first = await requests.next();
      answers(first.host, first.streamId);
      await client.hears("ok");
      leave(first.host, first.streamId + 2);
      await first.host.isHeard();
      await HTTP1.asks(client, stage, folder, undefined);
      const second = await requests.next();
      answers(second.host, second.streamId, OK, "next");
      await client.hears("next");
    }),
  ];
}

function reuse(folder: string): readonly Scene[] {
  const on = folder === "" ? "" : ` (${folder})`;
  return inWays(`a host at the next request on its connection${on}`, ALL, async (stage, leave) => {
    const client = await stage.client();
    await HTTP1.asks(client, stage, "", undefined);
    const requests = new Requests(stage);
    const first = await requests.next();
    answers(first.host, first.streamId);
    await client.hears("ok");
    await HTTP1.asks(client, stage, folder, "0123456789");
    const second = await requests.next();
    await hearsData(second.host, second.streamId, 10);
    leave(second.host, second.streamId);
    const over = (): boolean => client.text.split("HTTP/1.1").length > 2 || client.ended !== "open";
    for (let tried = await requests.nextUnless(over); tried !== undefined; tried = await requests.nextUnless(over))
      answers(tried.host, tried.streamId, OK, "again");
    await stage.counts(RQ_ACTIVE, 0);
  });
}

const SEVERAL_STREAMS: readonly Scene[] = inWays(
  "a host with three streams",
  { ...ALL, ...BY_GOAWAY },
  async (stage, leave, way) => {
    const client = await stage.client();
    await greets(client);
    const requests = new Requests(stage);
    const at: Arrived[] = [];
    for (const [index, part] of ["begun", "asked", "silent"].entries()) {
      client.say(head(2 * index + 1, request("GET", `/${stage.id}/${part}`), WHOLE));
      at.push(await requests.next());
    }
    const [begun, asked] = at as [Arrived, Arrived];
    begun.host.say(head(begun.streamId, OK, OPEN));
    await hearsFrame(client, FrameType.HEADERS, 1);
    leave(asked.host, asked.streamId);
    await asked.host.isHeard();
    if (asked.host.broke || asked.host.socket.writableEnded) {
      await stage.counts(RQ_ACTIVE, 0);
      return;
    }
    // Who stays answers the rest.
    begun.host.say(data(begun.streamId, "ok", END_STREAM));
    for (const { host, streamId } of at.slice(way in BY_STREAM ? 2 : 1)) answers(host, streamId);
    await stage.counts(RQ_ACTIVE, 0);
  },
  { different: Object.fromEntries(Object.keys(BY_GOAWAY).map((way) => [way, GOAWAY_ENDS])) },
);

/** SETTINGS_INITIAL_WINDOW_SIZE and SETTINGS_MAX_CONCURRENT_STREAMS. */
const WINDOW = 4;
const STREAMS = 3;

const NO_SETTINGS: Difference = {
  why: "a host that begins with anything but SETTINGS is told by GOAWAY, and its stream ends with the connection; Envoy resets it first",
  lines: /^(log|stats)/,
};

const WINDOWS: readonly Scene[] = [
  ...inWays("a host that takes no body", ALL, async (stage, leave) => {
    const client = await stage.client();
    await HTTP1.asks(client, stage, "", undefined);
    const requests = new Requests(stage);
    const first = await requests.next();
    first.host.say(settings([WINDOW, 0]));
    answers(first.host, first.streamId);
    await client.hears("ok");
    await HTTP1.asks(client, stage, "", "0123456789");
    const second = await requests.next();
    await second.host.isHeard();
    leave(second.host, second.streamId);
    await stage.counts(RQ_ACTIVE, 0);
  }),
  {
    what: "a host that takes one stream at a time, and dies with one waiting",
    async play(stage) {
      const clients = [await stage.client(), await stage.client()] as const;
      const requests = new Requests(stage);
      await HTTP1.asks(clients[0], stage, "", undefined);
      const first = await requests.next();
      first.host.say(settings([STREAMS, 1]));
      await first.host.isHeard();
      await HTTP1.asks(clients[1], stage, "", undefined);
      const second = await requests.next();
      first.host.reset();
      answers(second.host, second.streamId);
      await stage.counts(RQ_ACTIVE, 0);
    },
  },
  {
    what: "a host whose answers to a reset stream come late",
    async play(stage) {
      const client = await stage.client();
      await HTTP1.asks(client, stage, "short/", undefined);
      const requests = new Requests(stage);
      const first = await requests.next();
      await client.hears("504");
      await hearsFrame(first.host, FrameType.RST_STREAM, first.streamId);
      answers(first.host, first.streamId);
      first.host.say(rstStream(first.streamId, ErrorCode.CANCEL));
      first.host.say(ping());
      await hearsFrame(first.host, FrameType.PING, 0);
      await HTTP1.asks(client, stage, "", undefined);
      const second = await requests.next();
      answers(second.host, second.streamId, OK, "next");
      await client.hears("next");
    },
  },
  ...(["acknowledges no SETTINGS", "says no SETTINGS"] as const).map((how): Scene => ({
    what: `a host that ${how}, and answers`,
    ...(how === "says no SETTINGS" ? { different: NO_SETTINGS } : {}),
    async play(stage) {
      const client = await stage.client();
      await HTTP1.asks(client, stage, "", undefined);
      const requests = new Requests(stage);
      requests.mute = true;
      const { host, streamId } = await requests.next();
      if (how === "acknowledges no SETTINGS") host.say(settings());
      answers(host, streamId);
      await isDone(client, HTTP1);
      await stage.counts(RQ_ACTIVE, 0);
    },
  })),
];

const PING_TIMEOUT: JsonObject = { connectionKeepalive: { interval: "0.3s", timeout: "0.2s" } };

/** Behind a PING that was not answered in time the client's own end is what Envoy counts. */
const WE_CLOSED: Difference = {
  why: "who gives up a client that answers no PING is this proxy; Envoy counts the requests as lost by the client",
  lines: /downstream_cx_destroy_(local|remote)_active_rq/,
};

const SILENT_HOSTS: readonly Scene[] = [
  {
    what: "a host that answers no PING, with a request",
    async play(stage) {
      const client = await stage.client();
      await HTTP1.asks(client, stage, "", undefined);
      const { host } = await new Requests(stage).next();
      await host.isEnded();
      await stage.counts(RQ_ACTIVE, 0);
    },
  },
  {
    what: "a host that answers no PING, with a request that may be tried again",
    async play(stage) {
      const client = await stage.client();
      await HTTP1.asks(client, stage, "retry/", undefined);
      const requests = new Requests(stage);
      const { host } = await requests.next();
      await host.isEnded();
      const second = await requests.next();
      answers(second.host, second.streamId);
      await client.hears("ok");
    },
  },
  {
    what: "a host that answers no PING, without a request",
    async play(stage) {
      const client = await stage.client();
      await HTTP1.asks(client, stage, "", undefined);
      const { host, streamId } = await new Requests(stage).next();
      answers(host, streamId);
      await client.hears("ok");
      await host.isEnded();
      await stage.counts(UPSTREAM_ACTIVE, 0);
    },
  },
];

const SILENT_CLIENTS: readonly Scene[] = [
  {
    what: "a client that answers no PING, with a request",
    different: WE_CLOSED,
    async play(stage) {
      const client = await stage.client();
      await HTTP2.asks(client, stage, "", undefined);
      await client.isEnded();
      await stage.counts(RQ_ACTIVE, 0);
    },
  },
  {
    what: "a client that answers no PING, without a request",
    async play(stage) {
      const client = await stage.client();
      await greets(client);
      await client.isEnded();
    },
  },
];

const HOSTS = { hosts: "host", options: { routes: ROUTES, cluster: http2Hosts() } } as const;

export const HTTP2_HOST_ACTS: readonly Act[] = [
  {
    name: "HTTP/2, hosts before their response",
    ...HOSTS,
    scenes: ["", "retry/"].flatMap((folder) => beforeTheResponse(HTTP1, folder)),
  },
  {
    name: "HTTP/2, hosts before their response, other conditions of retries",
    ...HOSTS,
    scenes: ["istio/", "before/"].flatMap((folder) => beforeTheResponse(HTTP1, folder)),
  },
  {
    name: "HTTP/2, hosts within their response",
    ...HOSTS,
    scenes: ["", "retry/"].flatMap((folder) => withinTheResponse(HTTP1, folder)),
  },
  {
    name: "HTTP/2, hosts that are asked again",
    ...HOSTS,
    scenes: [...["", "retry/"].flatMap(goaways), ...["", "retry/", "istio/", "before/"].flatMap(reuse), ...WINDOWS],
  },
  {
    name: "HTTP/2, hosts of clients of HTTP/2",
    ...HOSTS,
    scenes: [...beforeTheResponse(HTTP2, ""), ...withinTheResponse(HTTP2, ""), ...SEVERAL_STREAMS],
  },
  {
    name: "HTTP/2, hosts that answer no PING",
    hosts: "host",
    options: { routes: ROUTES, cluster: http2Hosts(PING_TIMEOUT) },
    scenes: SILENT_HOSTS,
  },
  {
    name: "HTTP/2, clients that answer no PING",
    hosts: "host",
    options: { routes: ROUTES, cluster: http2Hosts(), manager: { http2ProtocolOptions: PING_TIMEOUT } },
    scenes: SILENT_CLIENTS,
  },
];
