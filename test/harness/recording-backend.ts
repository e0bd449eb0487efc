// A back end that believes nothing: it reads requests by the letter of RFC 9112, notes whatever breaks it, and files each request under
// the number in its path (`/c17...`). So a test can say what the back end was really told, and how many requests it took that for.
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";

export interface ReceivedRequest {
  readonly line: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Chunked bodies are decoded. */
  readonly body: string;
  readonly trailers: readonly (readonly [string, string])[];
}

export interface RecordingBackend {
  readonly port: number;
  /** In order of arrival, by the number in their paths; those without one under -1. */
  received(number: number): readonly ReceivedRequest[];
  /** What no strict server would have accepted. */
  readonly problems: readonly string[];
  readonly connections: number;
  close(): Promise<void>;
}

interface Parsed {
  readonly request: ReceivedRequest;
  readonly end: number;
}

class NotHttp extends Error {}

const LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*((?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)[ \t]*$/;

function fieldLines(text: string): (readonly [string, string])[] {
  if (text === "") return [];
  return text.split("\r\n").map((line) => {
    const match = LINE.exec(line);
    if (match === null) throw new NotHttp(`a bad field line: ${JSON.stringify(line)}`);
    return [(match[1] ?? "").toLowerCase(), match[2] ?? ""] as const;
  });
}

function valuesOf(headers: readonly (readonly [string, string])[], name: string): string[] {
  return headers.filter(([key]) => key === name).map(([, value]) => value);
}

/** Undefined while bytes are missing. @throws NotHttp */
function parseRequest(text: string): Parsed | undefined {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd < 0) {
    if (/(^|[^\r])\n|\r[^\n]/.test(text)) throw new NotHttp(`a bare CR or LF in a head: ${JSON.stringify(text.slice(0, 200))}`);
    return undefined;
  }
  const [line = "", ...rest] = text.slice(0, headEnd).split("\r\n");
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e]+ HTTP\/1\.1$/.test(line)) throw new NotHttp(`a bad request line: ${JSON.stringify(line)}`);
  const headers = fieldLines(rest.join("\r\n"));
  const lengths = valuesOf(headers, "content-length");
  const encodings = valuesOf(headers, "transfer-encoding");
  const hosts = valuesOf(headers, "host");
  if (hosts.length !== 1) throw new NotHttp(`${hosts.length} Host lines: ${JSON.stringify(text.slice(0, headEnd))}`);
  if (lengths.length + encodings.length > 1) throw new NotHttp(`framing is ambiguous: ${JSON.stringify(text.slice(0, headEnd))}`);
  let at = headEnd + 4;
  const [length] = lengths;
  if (encodings.length === 0) {
    if (length !== undefined && !/^\d+$/.test(length)) throw new NotHttp(`a bad length: ${length}`);
    const end = at + Number(length ?? 0);
    return text.length < end ? undefined : { request: { line, headers, body: text.slice(at, end), trailers: [] }, end };
  }
  if (encodings[0] !== "chunked") throw new NotHttp(`transfer-encoding ${encodings[0]}`);
  let body = "";
  for (;;) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = text.slice(at, lineEnd);
    if (!/^[0-9a-f]+$/i.test(size)) throw new NotHttp(`a bad chunk size: ${JSON.stringify(size)}`);
    at = lineEnd + 2;
    const bytes = Number.parseInt(size, 16);
    if (bytes === 0) break;
    if (text.length < at + bytes + 2) return undefined;
    body += text.slice(at, at + bytes);
    at += bytes;
    if (text.slice(at, at + 2) !== "\r\n") throw new NotHttp("a chunk without its CRLF");
    at += 2;
  }
  const trailerStart = at;
  if (text.startsWith("\r\n", at)) return { request: { line, headers, body, trailers: [] }, end: at + 2 };
  const trailerEnd = text.indexOf("\r\n\r\n", at);
  if (trailerEnd < 0) return undefined;
  return { request: { line, headers, body, trailers: fieldLines(text.slice(trailerStart, trailerEnd)) }, end: trailerEnd + 4 };
}

/** Answers every request with 200 and the number of its path; `answers` may say otherwise, byte by byte. */
export async function startRecordingBackend(
  answers: (request: ReceivedRequest, socket: Socket) => string | Buffer | undefined = () => undefined,
): Promise<RecordingBackend> {
  const byNumber = new Map<number, ReceivedRequest[]>();
  const problems: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const onConnection = (socket: Socket): void => {
    connections++;
    sockets.add(socket);
    socket.setNoDelay(true);
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      try {
        for (let parsed = parseRequest(text); parsed !== undefined; parsed = parseRequest(text)) {
          text = text.slice(parsed.end);
          const { request } = parsed;
          const number = Number(/\/c(\d+)/.exec(request.line)?.[1] ?? -1);
          const list = byNumber.get(number);
          if (list === undefined) byNumber.set(number, [request]);
          else list.push(request);
          const own = answers(request, socket);
          socket.write(own ?? `HTTP/1.1 200 OK\r\ncontent-length: ${String(number).length}\r\n\r\n${number}`, "latin1");
        }
      } catch (error) {
        if (!(error instanceof NotHttp)) throw error;
        problems.push(error.message);
        socket.destroy();
      }
    });
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  };
  const server: Server = createServer(onConnection);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", 4096, done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    received: (number) => byNumber.get(number) ?? [],
    problems,
    get connections() {
      return connections;
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
