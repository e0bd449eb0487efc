// What a peer received, without what two proxies that behave alike may write differently: order and case of header names, values of one
// moment, and how header blocks of HTTP/2 are encoded.
import { FrameType } from "#proxy/codec/http2/frame";
import { readFrames } from "#proxy/codec/http2/frames.fake";

const HEAD = /(?:HTTP\/1\.1 \d{3}|[A-Z]+ \/\S* HTTP\/1\.1)[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n/g;
const OF_A_MOMENT = /^(date|x-request-id|x-envoy-upstream-service-time|x-envoy-expected-rq-timeout-ms|x-forwarded-for):.*/;
const HTTP2_PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** `large`: heads only. */
export function shownText(received: Buffer, large: boolean): string {
  const frames = shownFrames(received);
  if (frames !== undefined) return large ? frames.replaceAll(/ DATA \d+/g, "") : frames;
  const text = received.toString("latin1");
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

/** Undefined: this is not HTTP/2. */
function shownFrames(received: Buffer): string | undefined {
  const preface = received.subarray(0, HTTP2_PREFACE.length).toString("latin1") === HTTP2_PREFACE;
  const frames = readFrames(preface ? received.subarray(HTTP2_PREFACE.length) : received);
  if (!preface && frames[0]?.type !== FrameType.SETTINGS) return undefined;
  let data = 0;
  const shown: string[] = [];
  const flush = (): void => {
    if (data > 0) shown.push(`DATA ${data}`);
    data = 0;
  };
  for (const { type, flags, streamId, payload } of frames) {
    if (type === FrameType.DATA) {
      data += payload.length;
      if ((flags & 1) === 0) continue;
      flush();
      shown.push(`END ${streamId}`);
    } else if (type === FrameType.HEADERS) {
      flush();
      shown.push(`HEADERS ${streamId}${(flags & 1) === 0 ? "" : ` END ${streamId}`}`);
    } else if (type === FrameType.RST_STREAM) {
      flush();
      shown.push(`RST_STREAM ${streamId} ${payload.readUInt32BE(0)}`);
    } else if (type === FrameType.GOAWAY) {
      flush();
      shown.push(`GOAWAY ${payload.readUInt32BE(4)}`);
    }
  }
  flush();
  return shown.join(" ");
}
