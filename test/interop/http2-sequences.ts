// Sequences of frames that a server must not fall for, as a table: what is sent behind the preface and SETTINGS, and what RFC 9113 and RFC
// 7541 say must come of it. `then` steps are sent when the answers to the requests before them are complete.
import { FrameType } from "#proxy/codec/http2/frame";
import {
  END_HEADERS,
  END_STREAM,
  GET,
  PADDED,
  POST,
  PRIORITY,
  block,
  continuation,
  data,
  frame,
  goaway,
  headers,
  ping,
  priority,
  rstStream,
  settings,
  settingsAck,
  windowUpdate,
} from "#proxy/codec/http2/frames.fake";
import type { Pair } from "#proxy/codec/http2/frames.fake";

/** `connection CODE`: GOAWAY; `stream CODE`: RST_STREAM; `served`: neither, and the request that follows is answered. */
export type Expected = `connection ${string}` | `stream ${string}` | "served";

export interface Sequence {
  readonly name: string;
  readonly steps: readonly Buffer[];
  /** What the RFC says; the first is what this proxy does. A server may always treat a stream error as one of the connection. */
  readonly expected: readonly Expected[];
}

const table: Sequence[] = [];

function sequence(name: string, expected: Expected | readonly Expected[], ...steps: (Buffer | readonly Buffer[])[]): void {
  table.push({
    name,
    steps: steps.map((step) => (Buffer.isBuffer(step) ? step : Buffer.concat(step))),
    expected: typeof expected === "string" ? [expected] : expected,
  });
}

const raw = (streamId: number, payload: Uint8Array | string, flags = END_STREAM | END_HEADERS): Buffer =>
  frame(FrameType.HEADERS, flags, streamId, payload);
const withFields = (...pairs: Pair[]): Buffer => headers(1, [...GET, ...pairs]);
const byte = (...values: number[]): Buffer => Buffer.from(values);
const hex = (value: number): string => value.toString(16).padStart(2, "0");
const postHead = headers(1, POST, END_HEADERS);
const postWith = (...pairs: Pair[]): Buffer => headers(1, [...POST, ...pairs], END_HEADERS);
const without = (name: string): Pair[] => GET.filter(([key]) => key !== name);
const replaced = (name: string, value: string): Pair[] => GET.map(([key, old]) => [key, key === name ? value : old]);

// Served, however odd.
sequence("nothing out of order", "served", headers(1));
sequence("a padded HEADERS", "served", raw(1, Buffer.concat([byte(4), block(GET), Buffer.alloc(4)]), END_STREAM | END_HEADERS | PADDED));
sequence(
  "HEADERS with 255 bytes of padding",
  "served",
  raw(1, Buffer.concat([byte(255), block(GET), Buffer.alloc(255)]), END_STREAM | END_HEADERS | PADDED),
);
sequence(
  "HEADERS with a priority",
  "served",
  raw(1, Buffer.concat([byte(0, 0, 0, 0, 15), block(GET)]), END_STREAM | END_HEADERS | PRIORITY),
);
sequence(
  "HEADERS with priority and padding",
  "served",
  raw(1, Buffer.concat([byte(2, 0x80, 0, 0, 3, 15), block(GET), Buffer.alloc(2)]), END_STREAM | END_HEADERS | PRIORITY | PADDED),
);
sequence("HEADERS with undefined flags", "served", raw(1, block(GET), END_STREAM | END_HEADERS | 0xd2));
sequence("a reserved bit before the stream id", "served", raw(0x8000_0001, block(GET)));
sequence("a padded DATA", "served", postHead, data(1, "\x03abc\0\0\0", PADDED | END_STREAM));
sequence("DATA that is padding alone, at the end", "served", postHead, data(1, "\x03\0\0\0", PADDED | END_STREAM));
sequence("DATA with undefined flags", "served", postHead, data(1, "abc", END_STREAM | 0xf6));
sequence("an empty DATA at the end", "served", postHead, data(1, "", END_STREAM));
sequence("one empty DATA before the end", "served", postHead, data(1, ""), data(1, "abc", END_STREAM));
sequence("trailers", "served", postHead, data(1, "abc"), headers(1, [["x-a", "b"]]));
sequence("trailers behind no DATA", "served", postHead, headers(1, [["x-a", "b"]]));
sequence("empty trailers", "served", postHead, data(1, "abc"), raw(1, ""));
sequence("a block in two frames", "served", [raw(1, block(GET).subarray(0, 9), END_STREAM), continuation(1, block(GET).subarray(9))]);
sequence("a block in four frames", "served", [
  raw(1, block(GET).subarray(0, 1), END_STREAM),
  continuation(1, block(GET).subarray(1, 7), 0),
  continuation(1, block(GET).subarray(7, 8), 0),
  continuation(1, block(GET).subarray(8)),
]);
sequence("a block whose last frame is empty", "served", [raw(1, block(GET), END_STREAM), continuation(1, "")]);
sequence("trailers in two frames", "served", [
  postHead,
  data(1, "a"),
  raw(1, block([["x-a", "b"]]).subarray(0, 3), END_STREAM),
  continuation(1, block([["x-a", "b"]]).subarray(3)),
]);
sequence("a skipped stream id", "served", headers(7));
sequence("an unknown frame type on a stream", "served", [frame(0x1b, 0xff, 1, "abc"), headers(1)]);
sequence("an unknown frame type on the connection", "served", [frame(0xff, 0, 0, Buffer.alloc(16_000)), headers(1)]);
sequence("an unknown setting", "served", settings([0xff, 1], [0x1234, 0xffff_ffff]));
sequence("one setting twice", "served", settings([4, 100], [4, 70_000]));
sequence("SETTINGS_ENABLE_PUSH of a client", "served", settings([2, 1]));
sequence("SETTINGS of a table of 0", "served", settings([1, 0]));
sequence("SETTINGS of a table of 4 GB", "served", settings([1, 0xffff_ffff]));
sequence("SETTINGS of a window of 2^31-1", "served", settings([4, 0x7fff_ffff]));
sequence("SETTINGS of the largest frame", "served", settings([5, 0xff_ffff]));
sequence("SETTINGS of a header list of 0", "served", settings([6, 0]));
sequence("SETTINGS of no streams, which are ours", "served", settings([3, 0]));
sequence("an acknowledgement that was not due", "served", settingsAck());
sequence("a PING", "served", ping());
sequence("an acknowledged PING that was not sent", "served", ping(1));
sequence("PING with undefined flags", "served", ping(0xfe));
sequence("a priority of an idle stream", "served", priority(9, 0));
sequence("a priority on an even stream", "served", priority(2, 0));
sequence("an exclusive priority", "served", priority(3, 0x8000_0001));
sequence("a WINDOW_UPDATE of the connection", "served", windowUpdate(0, 1));
sequence("a WINDOW_UPDATE with the reserved bit", "served", windowUpdate(0, 0x8000_0001));
sequence("a WINDOW_UPDATE behind the end of a stream", "served", headers(1), windowUpdate(1, 1));
sequence("a priority behind the end of a stream", "served", headers(1), priority(1, 0));
sequence("RST_STREAM behind the end of a stream", "served", headers(1), rstStream(1, 8));
sequence("RST_STREAM with an unknown code", "served", [headers(1), rstStream(1, 0x1234_5678)]);
sequence("RST_STREAM in the middle of a body", "served", [postHead, data(1, "abc"), rstStream(1, 8)]);
sequence("RST_STREAM twice", "served", [postHead, rstStream(1, 8), rstStream(1, 8)]);
sequence("a GOAWAY of a client, whose requests go on", "served", [goaway(0, 0), headers(1)]);
sequence("a GOAWAY with debug data", "served", frame(FrameType.GOAWAY, 0, 0, Buffer.concat([Buffer.alloc(8), Buffer.from("why")])));
sequence(
  "OPTIONS for all",
  "served",
  headers(1, [
    [":method", "OPTIONS"],
    [":scheme", "http"],
    [":path", "*"],
    [":authority", "a.example"],
  ]),
);
sequence("te: trailers", "served", withFields(["te", "trailers"]));
sequence("cookies in crumbs", "served", withFields(["cookie", "a=1"], ["cookie", "b=2"]));
sequence("an empty value", "served", withFields(["x-a", ""]));
sequence("bytes above 127 in a value", "served", withFields(["x-a", "\xe4\xf6"]));
sequence("a tab in a value", "served", withFields(["x-a", "a\tb"]));
sequence("a name of all characters", "served", withFields(["!#$%&'*+-.^_`|~09az", "b"]));
sequence("content-length that fits", "served", postWith(["content-length", "3"]), data(1, "abc", END_STREAM));
sequence("content-length 0 without DATA", "served", withFields(["content-length", "0"]));
sequence("content-length with trailers", "served", postWith(["content-length", "3"]), [data(1, "abc"), headers(1, [["x-a", "b"]])]);
sequence("a table size update at the beginning", "served", raw(1, Buffer.concat([byte(0x20), block(GET)])));
sequence("two table size updates at the beginning", "served", raw(1, Buffer.concat([byte(0x20, 0x3f, 0xe1, 0x1f), block(GET)])));
sequence("a never indexed field", "served", raw(1, Buffer.concat([block(GET), byte(0x10, 1, 0x61, 1, 0x62)])));
sequence("an indexed field and a reference to it", "served", [
  raw(1, Buffer.concat([block(GET), byte(0x40, 1, 0x61, 1, 0x62)])),
  raw(3, Buffer.concat([block(GET), byte(0xbe)])),
]);
sequence(
  "an integer with needless zeros",
  "served",
  raw(1, Buffer.concat([block(GET), byte(0, 0x7f, 0x80, 0x00), Buffer.alloc(127, "a"), byte(1, 0x62)])),
);

// Frames of a wrong size.
for (const length of [0, 1, 3, 5, 8]) {
  sequence(`RST_STREAM of ${length} bytes`, "connection FRAME_SIZE_ERROR", [
    headers(1),
    frame(FrameType.RST_STREAM, 0, 1, Buffer.alloc(length)),
  ]);
  sequence(
    `WINDOW_UPDATE of ${length} bytes on the connection`,
    "connection FRAME_SIZE_ERROR",
    frame(FrameType.WINDOW_UPDATE, 0, 0, Buffer.alloc(length)),
  );
  sequence(`WINDOW_UPDATE of ${length} bytes on a stream`, "connection FRAME_SIZE_ERROR", [
    postHead,
    frame(FrameType.WINDOW_UPDATE, 0, 1, Buffer.alloc(length)),
  ]);
}
for (const length of [0, 1, 4, 6, 10]) {
  sequence(`PRIORITY of ${length} bytes`, "stream FRAME_SIZE_ERROR", [postHead, frame(FrameType.PRIORITY, 0, 1, Buffer.alloc(length))]);
}
for (const length of [0, 1, 7, 9, 16])
  sequence(`PING of ${length} bytes`, "connection FRAME_SIZE_ERROR", frame(FrameType.PING, 0, 0, Buffer.alloc(length)));
for (const length of [1, 5, 7, 13])
  sequence(`SETTINGS of ${length} bytes`, "connection FRAME_SIZE_ERROR", frame(FrameType.SETTINGS, 0, 0, Buffer.alloc(length)));
for (const length of [1, 6])
  sequence(`an acknowledgement of ${length} bytes`, "connection FRAME_SIZE_ERROR", frame(FrameType.SETTINGS, 1, 0, Buffer.alloc(length)));
for (const length of [0, 4, 7])
  sequence(`GOAWAY of ${length} bytes`, "connection FRAME_SIZE_ERROR", frame(FrameType.GOAWAY, 0, 0, Buffer.alloc(length)));
for (const type of [
  FrameType.HEADERS,
  FrameType.SETTINGS,
  FrameType.PING,
  FrameType.GOAWAY,
  FrameType.PRIORITY,
  FrameType.RST_STREAM,
  FrameType.WINDOW_UPDATE,
  0x1b,
]) {
  sequence(
    `a frame of type ${type} above the largest size`,
    "connection FRAME_SIZE_ERROR",
    frame(type, END_HEADERS, type === 1 || type === 2 || type === 3 ? 1 : 0, Buffer.alloc(16_385)),
  );
}
sequence(
  "a DATA above the largest size",
  ["connection FRAME_SIZE_ERROR", "stream FRAME_SIZE_ERROR"],
  postHead,
  data(1, "a".repeat(16_385), END_STREAM),
);
sequence("CONTINUATION above the largest size", "connection FRAME_SIZE_ERROR", [
  raw(1, block(GET), END_STREAM),
  continuation(1, Buffer.alloc(16_385)),
]);
sequence(
  "a padded HEADERS of 0 bytes",
  ["connection FRAME_SIZE_ERROR", "connection PROTOCOL_ERROR"],
  raw(1, "", END_STREAM | END_HEADERS | PADDED),
);
sequence(
  "a padded DATA of 0 bytes",
  ["connection FRAME_SIZE_ERROR", "connection PROTOCOL_ERROR"],
  postHead,
  data(1, "", PADDED | END_STREAM),
);
for (const length of [0, 1, 4])
  sequence(
    `HEADERS with ${length} bytes of priority`,
    ["connection FRAME_SIZE_ERROR", "connection PROTOCOL_ERROR"],
    raw(1, Buffer.alloc(length), END_STREAM | END_HEADERS | PRIORITY),
  );

// Padding longer than the frame.
for (const padding of [5, 6, 255]) {
  sequence(
    `DATA of 5 bytes with ${padding} bytes of padding`,
    "connection PROTOCOL_ERROR",
    postHead,
    frame(FrameType.DATA, PADDED | END_STREAM, 1, Buffer.concat([byte(padding), Buffer.alloc(4)])),
  );
  sequence(
    `HEADERS of 5 bytes with ${padding} bytes of padding`,
    "connection PROTOCOL_ERROR",
    raw(1, Buffer.concat([byte(padding), Buffer.alloc(4)]), PADDED | END_STREAM | END_HEADERS),
  );
}
sequence(
  "padding that reaches into the priority",
  "connection PROTOCOL_ERROR",
  raw(1, byte(3, 0, 0, 0, 0, 15, 0), PADDED | PRIORITY | END_STREAM | END_HEADERS),
);

// Frames where they do not belong.
for (const [name, frameOn] of [
  ["DATA", (id: number): Buffer => data(id, "abc", END_STREAM)],
  ["HEADERS", (id: number): Buffer => headers(id)],
  ["PRIORITY", (id: number): Buffer => priority(id, 3)],
  ["RST_STREAM", (id: number): Buffer => rstStream(id, 8)],
  ["CONTINUATION", (id: number): Buffer => continuation(id, block(GET))],
] as const) {
  sequence(`${name} on stream 0`, "connection PROTOCOL_ERROR", frameOn(0));
  if (name === "PRIORITY") continue;
  sequence(`${name} on an even stream`, ["connection PROTOCOL_ERROR", "connection STREAM_CLOSED"], frameOn(2));
  if (name === "HEADERS") continue;
  sequence(`${name} on an idle stream`, ["connection PROTOCOL_ERROR", "connection STREAM_CLOSED"], frameOn(5));
  sequence(
    `${name} on an idle stream above an open one`,
    ["connection PROTOCOL_ERROR", "connection STREAM_CLOSED"],
    [postHead, frameOn(5)],
  );
}
for (const [name, misplaced] of [
  ["SETTINGS", frame(FrameType.SETTINGS, 0, 1)],
  ["an acknowledgement of SETTINGS", frame(FrameType.SETTINGS, 1, 1)],
  ["PING", ping(0, 1)],
  ["GOAWAY", frame(FrameType.GOAWAY, 0, 1, Buffer.alloc(8))],
  ["PUSH_PROMISE", frame(FrameType.PUSH_PROMISE, END_HEADERS, 1, Buffer.concat([byte(0, 0, 0, 2), block(GET)]))],
] as const) {
  sequence(`${name} on a stream`, "connection PROTOCOL_ERROR", [postHead, misplaced]);
  sequence(`${name} on an idle stream`, "connection PROTOCOL_ERROR", misplaced);
}
sequence("PUSH_PROMISE on stream 0", "connection PROTOCOL_ERROR", frame(FrameType.PUSH_PROMISE, END_HEADERS, 0, Buffer.alloc(4)));
sequence("WINDOW_UPDATE on an idle stream", "connection PROTOCOL_ERROR", windowUpdate(5, 1));
sequence("WINDOW_UPDATE on an even stream", "connection PROTOCOL_ERROR", windowUpdate(2, 1));
sequence("a lower stream id than before", "connection PROTOCOL_ERROR", headers(5), headers(3));
for (const [name, other] of [
  ["DATA", data(1, "a")],
  ["HEADERS", headers(3)],
  ["PRIORITY", priority(1, 0)],
  ["RST_STREAM", rstStream(1, 8)],
  ["SETTINGS", settings()],
  ["PING", ping()],
  ["GOAWAY", goaway(0, 0)],
  ["WINDOW_UPDATE", windowUpdate(0, 1)],
  ["CONTINUATION of another stream", continuation(3, "")],
  ["an unknown frame", frame(0x1b, 0, 1, "a")],
] as const) {
  sequence(`a block interrupted by ${name}`, "connection PROTOCOL_ERROR", [raw(1, block(GET), END_STREAM), other, continuation(1, "")]);
}
sequence("CONTINUATION behind a whole block", "connection PROTOCOL_ERROR", [postHead, continuation(1, "")]);
sequence("CONTINUATION behind DATA", "connection PROTOCOL_ERROR", [postHead, data(1, "a"), continuation(1, "")]);
sequence("CONTINUATION twice at the end", "connection PROTOCOL_ERROR", [
  raw(1, block(GET), END_STREAM),
  continuation(1, ""),
  continuation(1, ""),
]);

// Streams that have ended.
const closed: readonly Expected[] = ["connection STREAM_CLOSED", "stream STREAM_CLOSED", "connection PROTOCOL_ERROR"];
sequence("DATA behind the end of both sides", closed, headers(1), data(1, "a", END_STREAM));
sequence("HEADERS behind the end of both sides", closed, headers(1), headers(1));
sequence("trailers behind the end of both sides", closed, headers(1), headers(1, [["x-a", "b"]]));
sequence("DATA behind its end in one write", ["connection STREAM_CLOSED", "stream STREAM_CLOSED"], [headers(1), data(1, "a", END_STREAM)]);
sequence("HEADERS behind its end in one write", ["connection STREAM_CLOSED", "stream STREAM_CLOSED"], [headers(1), headers(1)]);
sequence(
  "DATA behind trailers",
  ["connection STREAM_CLOSED", "stream STREAM_CLOSED"],
  [postHead, headers(1, [["x-a", "b"]]), data(1, "a", END_STREAM)],
);
sequence(
  "DATA behind RST_STREAM",
  ["stream STREAM_CLOSED", "connection STREAM_CLOSED"],
  [postHead, rstStream(1, 8), data(1, "a", END_STREAM)],
);
sequence("HEADERS behind RST_STREAM", ["stream STREAM_CLOSED", "connection STREAM_CLOSED"], [postHead, rstStream(1, 8), headers(1)]);
sequence(
  "trailers behind RST_STREAM",
  ["stream STREAM_CLOSED", "connection STREAM_CLOSED"],
  [postHead, rstStream(1, 8), headers(1, [["x-a", "b"]])],
);

// Settings and windows.
for (const value of [2, 3, 0xffff_ffff]) sequence(`SETTINGS_ENABLE_PUSH ${value}`, "connection PROTOCOL_ERROR", settings([2, value]));
for (const value of [0x8000_0000, 0xffff_ffff])
  sequence(`SETTINGS_INITIAL_WINDOW_SIZE ${value}`, "connection FLOW_CONTROL_ERROR", settings([4, value]));
for (const value of [0, 1, 16_383, 0x100_0000, 0xffff_ffff])
  sequence(`SETTINGS_MAX_FRAME_SIZE ${value}`, "connection PROTOCOL_ERROR", settings([5, value]));
for (const value of [2, 0xffff_ffff])
  sequence(`SETTINGS_ENABLE_CONNECT_PROTOCOL ${value}`, ["connection PROTOCOL_ERROR"], settings([8, value]));
sequence("a bad setting between good ones", "connection PROTOCOL_ERROR", settings([4, 100], [2, 9], [4, 70_000]));
sequence("WINDOW_UPDATE of 0 on the connection", "connection PROTOCOL_ERROR", windowUpdate(0, 0));
sequence("WINDOW_UPDATE of 0 and the reserved bit on the connection", "connection PROTOCOL_ERROR", windowUpdate(0, 0x8000_0000));
sequence("WINDOW_UPDATE of 0 on a stream", "stream PROTOCOL_ERROR", [postHead, windowUpdate(1, 0)]);
sequence("the connection's window above 2^31-1", "connection FLOW_CONTROL_ERROR", windowUpdate(0, 0x7fff_ffff));
sequence("the connection's window above 2^31-1 in two steps", "connection FLOW_CONTROL_ERROR", [
  windowUpdate(0, 0x7fff_0000),
  windowUpdate(0, 0x7fff_0000),
]);
sequence("a stream's window above 2^31-1", "stream FLOW_CONTROL_ERROR", [postHead, windowUpdate(1, 0x7fff_ffff)]);
sequence("a stream's window above 2^31-1 in two steps", "stream FLOW_CONTROL_ERROR", [
  postHead,
  windowUpdate(1, 0x7fff_0000),
  windowUpdate(1, 0x7fff_0000),
]);
sequence("SETTINGS that make a stream's window too large", "connection FLOW_CONTROL_ERROR", [
  postHead,
  windowUpdate(1, 0x7fff_0000 - 65_535),
  settings([4, 0x7fff_ffff]),
]);

// Priorities.
sequence(
  "HEADERS that depend on themselves",
  "stream PROTOCOL_ERROR",
  raw(1, Buffer.concat([byte(0, 0, 0, 1, 15), block(GET)]), END_STREAM | END_HEADERS | PRIORITY),
);
sequence("PRIORITY on itself", "stream PROTOCOL_ERROR", [postHead, priority(1, 1)]);

// Pseudo headers.
const malformed = "stream PROTOCOL_ERROR";
for (const name of [":method", ":scheme", ":path"]) {
  sequence(`no ${name}`, malformed, headers(1, without(name)));
  sequence(`${name} twice`, malformed, headers(1, [...GET, GET.find(([key]) => key === name)!]));
  sequence(`an empty ${name}`, malformed, headers(1, replaced(name, "")));
  sequence(`${name} behind a field`, malformed, headers(1, [...without(name), ["x-a", "b"], GET.find(([key]) => key === name)!]));
  sequence(`${name} in trailers`, malformed, postHead, headers(1, [GET.find(([key]) => key === name)!]));
}
sequence(":authority twice", malformed, headers(1, [...GET, [":authority", "b.example"]]));
sequence(":authority behind a field", malformed, headers(1, [...without(":authority"), ["x-a", "b"], [":authority", "a.example"]]));
sequence(":authority in trailers", malformed, postHead, headers(1, [[":authority", "a.example"]]));
sequence(":status in a request", malformed, headers(1, [...GET, [":status", "200"]]));
sequence(":status in trailers", malformed, postHead, headers(1, [[":status", "200"]]));
for (const name of [":", ":a", ":Path", ":path ", ":host"])
  sequence(`an unknown pseudo header ${JSON.stringify(name)}`, malformed, headers(1, [...GET, [name, "a"]]));
sequence("no fields at all", malformed, raw(1, ""));
sequence("fields without pseudo headers", malformed, headers(1, [["x-a", "b"]]));
for (const value of ["GE T", "GET\0", "GET\r\n", "G(T", "\xe4"])
  sequence(`the method ${JSON.stringify(value)}`, malformed, headers(1, replaced(":method", value)));
for (const value of ["/a b", "/\0", "/a\r\nx: y", "/\t", "/\x7f", " /", "a", "http://a.example/"])
  sequence(`the path ${JSON.stringify(value)}`, malformed, headers(1, replaced(":path", value)));
sequence("the path * without OPTIONS", malformed, headers(1, replaced(":path", "*")));
for (const value of ["ht tp", "http\0", "ht/tp", "http:"])
  sequence(`the scheme ${JSON.stringify(value)}`, malformed, headers(1, replaced(":scheme", value)));
for (const value of ["a b", "a\0", "user@a.example", "a/b", "a\r\n", "a?b", "a#b"])
  sequence(`the authority ${JSON.stringify(value)}`, malformed, headers(1, replaced(":authority", value)));
sequence(
  "CONNECT with :path",
  malformed,
  headers(
    1,
    [
      [":method", "CONNECT"],
      [":path", "/"],
      [":authority", "a:1"],
    ],
    END_HEADERS,
  ),
);
sequence(
  "CONNECT with :scheme",
  malformed,
  headers(
    1,
    [
      [":method", "CONNECT"],
      [":scheme", "http"],
      [":authority", "a:1"],
    ],
    END_HEADERS,
  ),
);
sequence("CONNECT without :authority", malformed, headers(1, [[":method", "CONNECT"]], END_HEADERS));
sequence(
  ":protocol that was not offered",
  malformed,
  headers(1, [...replaced(":method", "CONNECT"), [":protocol", "websocket"]], END_HEADERS),
);
sequence(":protocol without CONNECT", malformed, headers(1, [...GET, [":protocol", "websocket"]]));

// Fields.
for (const name of ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]) {
  sequence(`the field ${name}`, malformed, withFields([name, name === "transfer-encoding" ? "chunked" : "close"]));
}
for (const value of ["gzip", "trailers, gzip", "", "Trailers "])
  sequence(`te: ${JSON.stringify(value)}`, malformed, withFields(["te", value]));
for (const name of [
  "X-A",
  "x-A",
  "",
  "x a",
  "x\0",
  "x:a",
  "x\r\n",
  "\x7f",
  "x\xe4",
  "x\t",
  "x(a",
  "x/a",
  'x"',
  "x,",
  "x;",
  "x=",
  "x{",
  "x@",
  "x[",
  "x\\",
]) {
  sequence(`the name ${JSON.stringify(name)}`, malformed, withFields([name, "b"]));
}
for (const code of [0x00, 0x0a, 0x0d]) {
  sequence(`a value with byte ${hex(code)} within`, malformed, withFields(["x-a", `a${String.fromCharCode(code)}b`]));
  sequence(`a value of byte ${hex(code)}`, malformed, withFields(["x-a", String.fromCharCode(code)]));
  sequence(`a trailer with byte ${hex(code)} within`, malformed, postHead, headers(1, [["x-a", `a${String.fromCharCode(code)}b`]]));
  sequence(`a cookie with byte ${hex(code)}`, malformed, withFields(["cookie", `a=${String.fromCharCode(code)}`]));
}
for (const value of [" a", "a ", "\ta", "a\t", " "]) sequence(`the value ${JSON.stringify(value)}`, malformed, withFields(["x-a", value]));
for (const name of ["X-A", "x a", "connection", "transfer-encoding", ""])
  sequence(`the trailer ${JSON.stringify(name)}`, malformed, postHead, headers(1, [[name, "b"]]));

// The body and its length.
for (const value of ["", "a", "-1", "+1", "1 ", "1,1", "0x1", "1.0", "99999999999999999999"]) {
  sequence(`content-length ${JSON.stringify(value)}`, malformed, postWith(["content-length", value]), data(1, "a", END_STREAM));
}
sequence(
  "content-length twice, different",
  malformed,
  postWith(["content-length", "1"], ["content-length", "2"]),
  data(1, "a", END_STREAM),
);
sequence("less body than content-length", malformed, postWith(["content-length", "5"]), data(1, "abc", END_STREAM));
sequence("more body than content-length", malformed, postWith(["content-length", "2"]), data(1, "abc", END_STREAM));
sequence("more body than content-length in two frames", malformed, postWith(["content-length", "4"]), [
  data(1, "abc"),
  data(1, "abc", END_STREAM),
]);
sequence("less body than content-length in two frames", malformed, postWith(["content-length", "7"]), [
  data(1, "abc"),
  data(1, "abc", END_STREAM),
]);
sequence("content-length without a body", malformed, headers(1, [...POST, ["content-length", "1"]]));
sequence("content-length 0 and a body", malformed, [postWith(["content-length", "0"]), data(1, "a", END_STREAM)]);
sequence("less body than content-length, then trailers", malformed, postWith(["content-length", "5"]), [
  data(1, "abc"),
  headers(1, [["x-a", "b"]]),
]);
sequence(
  "a padded body that is short without its padding",
  malformed,
  postWith(["content-length", "6"]),
  data(1, "\x03abc\0\0\0", PADDED | END_STREAM),
);
sequence("a second head that does not end the stream", malformed, postHead, [headers(1, POST, END_HEADERS), data(1, "a", END_STREAM)]);
sequence("trailers that do not end the stream", malformed, postHead, [headers(1, [["x-a", "b"]], END_HEADERS), data(1, "a", END_STREAM)]);

// Header compression.
const compression = "connection COMPRESSION_ERROR";
for (const [name, bytes] of [
  ["index 0", [0x80]],
  ["an index behind the tables", [0xbe]],
  ["an index far behind the tables", [0xff, 0xff, 0xff, 0x03]],
  ["a name's index behind the tables", [0x7f, 0x20, 1, 0x61]],
  ["an integer that overflows", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
  ["an integer without end", [0xff]],
  ["a name longer than the block", [0x40, 0x20, 0x61]],
  ["a value longer than the block", [0x40, 1, 0x61, 0x20, 0x61]],
  ["a string of 4 GB", [0x40, 0x7f, 0xff, 0xff, 0xff, 0xff, 0x0f]],
  ["a field without its name", [0x40]],
  ["a field without its value", [0x40, 1, 0x61]],
  ["a Huffman padding of zeros", [0x40, 1, 0x61, 0x81, 0x00]],
  ["a Huffman padding of a byte", [0x40, 1, 0x61, 0x82, 0x07, 0xff]],
  ["the Huffman code of EOS", [0x40, 1, 0x61, 0x84, 0xff, 0xff, 0xff, 0xff]],
  ["a table size update behind a field", [0x82, 0x20]],
  ["a table size update above the setting", [0x3f, 0xe2, 0x1f]],
  ["a huge table size update", [0x3f, 0xff, 0xff, 0xff, 0x7f]],
] as const) {
  sequence(`HPACK: ${name}`, compression, raw(1, byte(...bytes)));
  sequence(
    `HPACK behind good fields: ${name}`,
    compression,
    raw(
      1,
      Buffer.concat([
        name.startsWith("a table size update above") || name.startsWith("a huge") ? Buffer.alloc(0) : block(GET),
        byte(...bytes),
      ]),
    ),
  );
  sequence(`HPACK in trailers: ${name}`, compression, postHead, raw(1, byte(...bytes)));
}
sequence("HPACK: a reference to an entry that was evicted", compression, [
  raw(1, Buffer.concat([block(GET), byte(0x40, 1, 0x61, 1, 0x62)])),
  raw(3, Buffer.concat([byte(0x20), block(GET), byte(0xbe)])),
]);
sequence("HPACK: bad even where the stream has ended", compression, headers(1), raw(1, byte(0x80)));

export const SEQUENCES: readonly Sequence[] = table;
