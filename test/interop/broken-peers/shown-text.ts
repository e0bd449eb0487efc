// What a peer received, without what two proxies that behave alike may write differently: order and case of header names, values of one
// moment, and how header blocks of HTTP/2 are encoded (they are read by our own decoder, which other tests hold to nghttp2's).
import { HpackDecoder } from "#proxy/codec/hpack/decoder";
import { ErrorCode } from "#proxy/codec/http2/error-code";
import { FrameType } from "#proxy/codec/http2/frame";
import { END_STREAM, readFrames } from "#proxy/codec/http2/frames.fake";

const HEAD = /(?:HTTP\/1\.1 \d{3}|[A-Z]+ \/\S* HTTP\/1\.1)[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n/g;
const OF_A_MOMENT = /^(date|x-request-id|x-envoy-upstream-service-time|x-envoy-expected-rq-timeout-ms|x-forwarded-for):.*/;
const HTTP2_PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** `large`: heads only. */
export function shownText(received: Buffer, large: boolean): string {
  const frames = shownFrames(received);
  if (frames !== undefined) return large ? frames.replaceAll(/ DATA \d+/g, "") : frames;
  const records = shownRecords(received);
  if (records !== undefined) return records;
  const text = received.toString("latin1").replaceAll(/TLS_error:.*?TLS_error_end/g, "TLS_error");
  if (large) return [...text.matchAll(HEAD)].map(([head]) => shownHead(head)).join(" + ");
  return text.replaceAll(HEAD, (head) => `${shownHead(head)} `);
}

function shownHead(head: string): string {
  const [first = "", ...lines] = head.split("\r\n").filter((line) => line !== "");
  const named = lines.map((line) =>
    line
      .replace(/^[^:]+/, (name) => name.toLowerCase())
      .replace(OF_A_MOMENT, "$1")
      .replace("connection: upgrade", "connection: Upgrade"),
  );
  return `[${[first.replace(/^(HTTP\/1\.1 1\d\d) .*/, "$1"), ...named.sort()].join("; ")}]`;
}

/** Stream by stream, for which of several comes first does not matter. Undefined: this is not HTTP/2. */
function shownFrames(received: Buffer): string | undefined {
  const preface = received.subarray(0, HTTP2_PREFACE.length).toString("latin1") === HTTP2_PREFACE;
  const frames = readFrames(preface ? received.subarray(HTTP2_PREFACE.length) : received);
  if (!preface && frames[0]?.type !== FrameType.SETTINGS) return undefined;
  const streams = new Map<number, string[]>();
  const decoder = new HpackDecoder();
  const data = new Map<number, number>();
  const say = (streamId: number, text: string): void => {
    const shown = streams.get(streamId) ?? [];
    streams.set(streamId, shown);
    const bytes = data.get(streamId) ?? 0;
    if (bytes > 0) shown.push(`DATA ${bytes}`);
    data.delete(streamId);
    if (text !== "") shown.push(text);
  };
  for (const { type, flags, streamId, payload } of frames) {
    const end = (flags & END_STREAM) === 0 ? "" : "END";
    if (type === FrameType.DATA) {
      data.set(streamId, (data.get(streamId) ?? 0) + payload.length);
      if (end !== "") say(streamId, end);
    } else if (type === FrameType.HEADERS) say(streamId, `HEADERS ${shownBlock(decoder, payload)} ${end}`.trimEnd());
    else if (type === FrameType.RST_STREAM) say(streamId, `RST_STREAM ${shownCode(payload.readUInt32BE(0), preface)}`);
    else if (type === FrameType.GOAWAY) say(streamId, `GOAWAY ${payload.readUInt32BE(4)}`);
  }
  for (const streamId of data.keys()) say(streamId, "");
  return [...streams]
    .sort(([a], [b]) => a - b)
    .map(([streamId, shown]) => `${streamId}: ${shown.join(" ")}`)
    .join("; ");
}

/** A request that is given up: we say CANCEL to its host, Envoy says INTERNAL_ERROR. */
function shownCode(code: number, byClient: boolean): string {
  return byClient && (code === ErrorCode.CANCEL || code === ErrorCode.INTERNAL_ERROR) ? "given up" : String(code);
}

/** Frames of these proxies are neither padded nor in parts. */
function shownBlock(decoder: HpackDecoder, payload: Buffer): string {
  const lines: string[] = [];
  const error = decoder.decode(payload, 0, payload.length, {
    onField: ({ name, value }) => lines.push(`${name}: ${value}`.replace(OF_A_MOMENT, "$1")),
  });
  return error ?? `[${lines.sort().join("; ")}]`;
}

const HANDSHAKE = 22;
const ALERT = 21;

/** Undefined: this is not TLS. What two libraries write into their hellos is theirs; alerts are told. */
function shownRecords(received: Buffer): string | undefined {
  if ((received[0] !== HANDSHAKE && received[0] !== ALERT) || received[1] !== 3) return undefined;
  const shown = new Set<string>();
  for (let at = 0; at + 5 <= received.length; at += 5 + received.readUInt16BE(at + 3)) {
    const plain = received.readUInt16BE(at + 3) === 2;
    if (received[at] === ALERT) shown.add(plain ? `alert ${received[at + 6]}` : "alert");
    else shown.add("TLS");
  }
  return [...shown].join(" ");
}
