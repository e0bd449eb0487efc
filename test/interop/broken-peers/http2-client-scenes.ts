// HTTP/2 on both sides: clients that leave, in which phase, and how.
import { FrameType, PREFACE } from "#proxy/codec/http2/frame";
import { continuation, data, END_STREAM, settings } from "#proxy/codec/http2/frames.fake";
import type { Frame } from "#proxy/codec/http2/frames.fake";
import { eventually } from "../../harness/mesh.ts";
import { answers, BUSY, framesOf, greets, head, hearsData, hearsEnd, OK, OPEN, request, WHOLE } from "./http2-peer.ts";
import { asked, hearsHead } from "./http2-requests.ts";
import { http2Hosts, ROUTES } from "./routes.ts";
import { BY_CLIENTS_GOAWAY, BY_CONNECTION, BY_STREAM, inWays } from "./http2-ways.ts";
import type { Leave } from "./http2-ways.ts";
import type { Act, Scene } from "./stage.ts";

const RQ_ACTIVE = /^http\.lone\.downstream_rq_active$/;
const CX_ACTIVE = /^http\.lone\.downstream_cx_active$/;
const PENDING = /^cluster\.outbound.*upstream_rq_active$/;

/** What a client that gives none back may be sent. */
const WINDOW = 65_535;
const fullFrame = (streamId: number): Buffer => data(streamId, "x".repeat(16_384));

const PATIENCE_MS = 8_000;
const isAnswer = ({ type }: Frame): boolean => type === FrameType.HEADERS;

const LESS_WAITS = "64 KiB of a stream may wait for its client's window here, as much as the host's window at Envoy";
const HALF_A_PREFACE = "half of a preface is no request yet; Envoy takes it for the beginning of one of HTTP/1, also when the rest comes";

const BY_EITHER: Readonly<Record<string, Leave>> = { ...BY_CONNECTION, ...BY_CLIENTS_GOAWAY, ...BY_STREAM };
/** Between two frames. */
const IN_ORDER: Readonly<Record<string, Leave>> = { ...BY_CONNECTION, ...BY_CLIENTS_GOAWAY };

const WITHOUT_STREAM: readonly Scene[] = [
  ...inWays("a client before its preface", BY_CONNECTION, async (stage, leave) => {
    const client = await stage.client();
    await stage.counts(CX_ACTIVE, 1);
    leave(client, 0);
    await stage.counts(CX_ACTIVE, 0);
  }),
  ...inWays(
    "a client within its preface",
    BY_CONNECTION,
    async (stage, leave) => {
      const client = await stage.client();
      client.say(PREFACE.subarray(0, 10));
      await client.isHeard();
      leave(client, 0);
      await stage.counts(CX_ACTIVE, 0);
    },
    { different: { "*": HALF_A_PREFACE } },
  ),
  ...inWays("a client behind its preface", BY_CONNECTION, async (stage, leave) => {
    const client = await stage.client();
    client.say(PREFACE);
    await client.isHeard();
    leave(client, 0);
    await stage.counts(CX_ACTIVE, 0);
  }),
  ...inWays("a client behind its SETTINGS", IN_ORDER, async (stage, leave) => {
    const client = await stage.client();
    await greets(client);
    await client.isHeard();
    leave(client, 0);
    await stage.counts(CX_ACTIVE, 0);
  }),
  ...inWays("a client within a HEADERS frame", BY_CONNECTION, async (stage, leave) => {
    const client = await stage.client();
    await greets(client);
    client.say(head(1, request("GET", `/${stage.id}`), WHOLE).subarray(0, 20));
    await client.isHeard();
    leave(client, 0);
    await stage.counts(CX_ACTIVE, 0);
  }),
  ...inWays("a client between HEADERS and CONTINUATION", BY_CONNECTION, async (stage, leave) => {
    const client = await stage.client();
    await greets(client);
    client.say(head(1, request("GET", `/${stage.id}`), END_STREAM));
    client.say(continuation(1, "", 0));
    await client.isHeard();
    leave(client, 1);
    await stage.counts(CX_ACTIVE, 0);
  }),
  ...(["acknowledges no SETTINGS", "says no SETTINGS"] as const).map((how): Scene => ({
    what: `a client that ${how}`,
    async play(stage) {
      const client = await stage.client();
      const first = how === "says no SETTINGS" ? [PREFACE] : [PREFACE, settings()];
      client.say(Buffer.concat([...first, head(1, request("GET", `/short/${stage.id}`), WHOLE)]));
      await eventually("an answer, or the end", PATIENCE_MS, () => client.ended !== "open" || framesOf(client).some(isAnswer));
    },
  })),
];

const WITH_ONE_STREAM: readonly Scene[] = [
  ...inWays("a client behind the head of its request", BY_EITHER, async (stage, leave) => {
    const { client, host, streamId } = await asked(stage, { body: true });
    leave(client, 1);
    await hearsEnd(host, streamId);
    await stage.counts(RQ_ACTIVE, 0);
  }),
  ...inWays("a client within a DATA frame", BY_CONNECTION, async (stage, leave) => {
    const { client, host, streamId } = await asked(stage, { body: true });
    client.say(data(1, "01234"));
    await hearsData(host, streamId, 5);
    client.say(data(1, "56789").subarray(0, 9));
    await client.isHeard();
    leave(client, 1);
    await hearsEnd(host, streamId);
  }),
  ...inWays("a client before its trailers", BY_EITHER, async (stage, leave) => {
    const { client, host, streamId } = await asked(stage, { body: true });
    client.say(data(1, "01234"));
    await hearsData(host, streamId, 5);
    leave(client, 1);
    await hearsEnd(host, streamId);
  }),
  ...inWays("a client before the response", BY_EITHER, async (stage, leave) => {
    const { client, host, streamId } = await asked(stage);
    leave(client, 1);
    await hearsEnd(host, streamId);
    await stage.counts(RQ_ACTIVE, 0);
  }),
  ...inWays("a client that may be tried again, before the response", BY_EITHER, async (stage, leave) => {
    const { client, host, streamId } = await asked(stage, { folder: "retry/" });
    leave(client, 1);
    await hearsEnd(host, streamId);
    await stage.counts(RQ_ACTIVE, 0);
  }),
  ...inWays("a client behind the head of the response", BY_EITHER, async (stage, leave) => {
    const { client, host, streamId } = await asked(stage);
    host.say(head(streamId, OK, OPEN));
    await hearsHead(client);
    leave(client, 1);
    await hearsEnd(host, streamId);
    await stage.counts(RQ_ACTIVE, 0);
  }),
  ...inWays("a client within the body of the response", BY_EITHER, async (stage, leave) => {
    const { client, host, streamId } = await asked(stage);
    host.say(head(streamId, OK, OPEN));
    host.say(data(streamId, "01234"));
    await hearsData(client, 1, 5);
    leave(client, 1);
    await hearsEnd(host, streamId);
    await stage.counts(RQ_ACTIVE, 0);
  }),
  ...inWays("a client within its body and that of the response", BY_EITHER, async (stage, leave) => {
    const { client, host, streamId } = await asked(stage, { body: true });
    client.say(data(1, "01234"));
    await hearsData(host, streamId, 5);
    host.say(head(streamId, OK, OPEN));
    host.say(data(streamId, "01234"));
    await hearsData(client, 1, 5);
    leave(client, 1);
    await hearsEnd(host, streamId);
    await stage.counts(RQ_ACTIVE, 0);
  }),
  ...inWays("a client between two requests", BY_EITHER, async (stage, leave) => {
    const { client, host, streamId } = await asked(stage);
    answers(host, streamId);
    await hearsData(client, 1, 2);
    leave(client, 1);
    await client.isHeard();
  }),
  ...inWays("a client during the wait before another try", BY_EITHER, async (stage, leave) => {
    const { client, host, streamId } = await asked(stage, { folder: "patient/" });
    answers(host, streamId, BUSY);
    await stage.counts(PENDING, 0);
    leave(client, 1);
    await stage.counts(RQ_ACTIVE, 0);
  }),
  ...inWays(
    "a client that does not read the response",
    BY_EITHER,
    async (stage, leave) => {
      const { client, host, streamId } = await asked(stage);
      host.say(head(streamId, OK, OPEN));
      for (let i = 0; i < 128; i++) host.say(fullFrame(streamId));
      await hearsData(client, 1, WINDOW);
      await host.isHeard();
      leave(client, 1);
      await hearsEnd(host, streamId);
      await stage.counts(RQ_ACTIVE, 0);
    },
    { large: true, different: { "*": { why: LESS_WAITS, lines: /flow_control/ } } },
  ),
];

const WITH_MORE_STREAMS: readonly Scene[] = [
  ...inWays("a client with three streams", BY_EITHER, async (stage, leave) => {
    const { client, host, streamId, requests } = await asked(stage, { body: true });
    client.say(data(1, "01234"));
    await hearsData(host, streamId, 5);
    client.say(head(3, request("GET", `/${stage.id}/silent`), WHOLE));
    await requests.next();
    client.say(head(5, request("GET", `/${stage.id}/half`), WHOLE));
    const third = await requests.next();
    third.host.say(head(third.streamId, OK, OPEN));
    third.host.say(data(third.streamId, "01234"));
    await hearsData(client, 5, 5);
    leave(client, 5);
    await hearsEnd(third.host, third.streamId);
    await client.isHeard();
  }),
  ...inWays("a client whose other stream goes on", BY_STREAM, async (stage, leave) => {
    const { client, host, streamId, requests } = await asked(stage, { body: true });
    client.say(head(3, request("GET", `/${stage.id}/other`), WHOLE));
    const other = await requests.next();
    leave(client, 1);
    await hearsEnd(host, streamId);
    answers(other.host, other.streamId);
    await hearsData(client, 3, 2);
    client.say(head(5, request("GET", `/${stage.id}/next`), WHOLE));
    const next = await requests.next();
    answers(next.host, next.streamId);
    await hearsData(client, 5, 2);
  }),
];

export const HTTP2_CLIENT_ACT: Act = {
  name: "HTTP/2, clients",
  hosts: "host",
  options: { routes: ROUTES, cluster: http2Hosts() },
  scenes: [...WITHOUT_STREAM, ...WITH_ONE_STREAM, ...WITH_MORE_STREAMS],
};
