// HTTP/2 at a gateway's listener: h2spec's rules over cleartext and TLS, through to back ends of both versions, and the clients that people have.
// The proxy runs in poison mode: bytes that were lent and kept would show.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { connect as connectHttp2, constants, createServer as createHttp2Server } from "node:http2";
import type { ClientHttp2Session, ClientHttp2Stream, Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import type { LoneProxy } from "../harness/lone-proxy.ts";
import { eventually } from "../harness/mesh.ts";
import { debianTool, goTool } from "../harness/tools.ts";
import { FakeAuthority } from "#proxy/net/certificates.fake";

const run = promisify(execFile);
const LARGE_BYTES = 100_000_000;
const H2SPEC_CASES = 145;

/** `/bytes/N` answers with N bytes, `/silent` never, anything else with what it got. */
function startBackend(): Promise<Server> {
  const piece = Buffer.alloc(65_536, "x");
  const server = createServer({ maxHeaderSize: 65_536 }, (request, response) => {
    const path = request.url ?? "";
    let received = 0;
    request.on("data", (chunk: Buffer) => (received += chunk.length));
    request.on("error", () => {});
    if (path === "/silent") return;
    request.on("end", () => {
      const bytes = /^\/bytes\/(\d+)$/.exec(path)?.[1];
      if (bytes === undefined) {
        response.end(JSON.stringify({ method: request.method, path, received, headers: request.headers }));
        return;
      }
      let left = Number(bytes);
      response.setHeader("content-length", left);
      const write = (): void => {
        while (left > 0) {
          const chunk = left >= piece.length ? piece : piece.subarray(0, left);
          left -= chunk.length;
          if (!response.write(chunk)) {
            response.once("drain", write);
            return;
          }
        }
        response.end();
      };
      write();
    });
  });
  server.on("upgrade", (request, socket) => {
    const accept = request.headers["sec-websocket-key"] === undefined ? "" : "sec-websocket-accept: x\r\n";
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n${accept}\r\n`);
    socket.pipe(socket);
    socket.on("error", () => {});
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

/** Answers everything with a few bytes, once the request is complete. */
function startHttp2Backend(): Promise<Http2Server> {
  const server = createHttp2Server((request, response) => {
    request.on("error", () => {});
    request.resume();
    request.on("end", () => response.end("an answer"));
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done(server)));
}

const HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const HTTP2_CLUSTER = {
  typedExtensionProtocolOptions: {
    [HTTP_OPTIONS]: { "@type": `type.googleapis.com/${HTTP_OPTIONS}`, explicitHttpConfig: { http2ProtocolOptions: {} } },
  },
};

const folder = mkdtempSync(join(tmpdir(), "mizzen-http2-"));
const tlsFiles = { certificate: join(folder, "cert.pem"), key: join(folder, "key.pem") };
const servers: { close(): unknown }[] = [];
let plain: LoneProxy;
let tls: LoneProxy;
/** To an HTTP/2 back end. */
let onward: LoneProxy;

before(async () => {
  const backend = await startBackend();
  const http2Backend = await startHttp2Backend();
  servers.push(backend, http2Backend);
  const backendPort = (backend.address() as AddressInfo).port;
  const manager = { http2ProtocolOptions: { allowConnect: true } };
  const issued = new FakeAuthority().issue({ hosts: ["localhost"] });
  writeFileSync(tlsFiles.certificate, issued.certificate);
  writeFileSync(tlsFiles.key, issued.key);
  const transportSocket = {
    name: "envoy.transport_sockets.tls",
    typedConfig: {
      "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
      commonTlsContext: {
        alpnProtocols: ["h2", "http/1.1"],
        tlsCertificates: [
          {
            certificateChain: { inlineString: readFileSync(tlsFiles.certificate, "utf8") },
            privateKey: { inlineString: readFileSync(tlsFiles.key, "utf8") },
          },
        ],
      },
    },
  };
  [plain, tls, onward] = await Promise.all([
    startLoneProxy("mizzen", { backendPort, manager }),
    startLoneProxy("mizzen", { backendPort, manager, transportSocket }),
    startLoneProxy("mizzen", {
      backendPort: (http2Backend.address() as AddressInfo).port,
      manager,
      cluster: HTTP2_CLUSTER,
    }),
  ]);
});

after(async () => {
  await Promise.all([plain?.stop(), tls?.stop(), onward?.stop()]);
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function tool(program: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout, stderr } = await run(program, args, { timeout: 120_000, maxBuffer: 64 * 1024 * 1024 });
    return stdout + stderr;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} failed\n${stdout.slice(-6000)}${stderr.slice(-2000)}`, { cause: error });
  }
}

/** The proxy has nothing left to do, and nothing of it went wrong. */
async function atRest(proxy: LoneProxy): Promise<void> {
  const pattern =
    /^(http\.lone\.downstream_(cx|rq)_(http2_)?active|http2\.(streams_active|pending_send_bytes)|cluster\.outbound.*rq_active)$/;
  await eventually("everything is over", 30_000, async () => {
    const busy = [...(await proxy.stats(pattern))].filter(([, value]) => value !== 0);
    return busy.length === 0 ? true : undefined;
  });
  assert.equal((await proxy.stats(/downstream_rq_internal_error$/)).values().next().value ?? 0, 0, proxy.output());
}

describe("h2spec passes whole", () => {
  for (const [name, proxyOf, extra] of [
    ["over cleartext", () => plain, []],
    ["over TLS", () => tls, ["-t", "-k"]],
    ["with an HTTP/2 back end", () => onward, []],
  ] as const) {
    test(name, async () => {
      const proxy = proxyOf();
      const h2spec = goTool("h2spec", "github.com/summerwind/h2spec/cmd/h2spec");
      const report = await tool(h2spec, ["-h", "127.0.0.1", "-p", String(proxy.port), "-o", "15", ...extra]);
      assert.match(report, new RegExp(`${H2SPEC_CASES} tests, ${H2SPEC_CASES} passed, 0 skipped, 0 failed`));
      await atRest(proxy);
    });
  }
});

describe("clients", () => {
  test("curl, by prior knowledge, by ALPN, and asking for an upgrade that does not come", async () => {
    const curl = debianTool("curl", "curl");
    const version = ["-s", "-o", "/dev/null", "-w", "%{http_version} %{http_code}"];
    const url = `http://127.0.0.1:${plain.port}/curl`;
    assert.equal(await tool(curl, [...version, "--http2-prior-knowledge", url]), "2 200");
    assert.equal(await tool(curl, [...version, "--http2", url]), "1.1 200");
    assert.equal(await tool(curl, [...version, "--http2", "-k", `https://127.0.0.1:${tls.port}/curl`]), "2 200");
    assert.equal(await tool(curl, [...version, "--http1.1", "-k", `https://127.0.0.1:${tls.port}/curl`]), "1.1 200");
  });

  test("nghttp, with padding, trailers and continuation", async () => {
    const nghttp = debianTool("nghttp", "nghttp2-client");
    const body = join(folder, "body");
    writeFileSync(body, "a body");
    const url = `http://127.0.0.1:${plain.port}/nghttp`;
    assert.match(await tool(nghttp, ["-v", "-b", "64", "--trailer", "x-sum: 1", "-d", body, url]), /"received":6/);
    assert.match(await tool(nghttp, ["--continuation", url]), /"path":"\/nghttp"/);
  });

  test("h2load, many streams on few connections, and large answers", async () => {
    const h2load = debianTool("h2load", "nghttp2-client");
    for (const [requests, path] of [
      ["4000", "/load"],
      ["300", "/bytes/100000"],
    ] as const) {
      const report = await tool(h2load, ["-n", requests, "-c", "8", "-m", "16", `http://127.0.0.1:${plain.port}${path}`]);
      assert.match(report, new RegExp(`${requests} succeeded, 0 failed, 0 errored, 0 timeout`));
    }
    await atRest(plain);
  });

  for (const proxyName of ["plain", "tls"] as const) {
    test(`bodies of 100 MB both ways, ${proxyName}`, async () => {
      const proxy = proxyName === "plain" ? plain : tls;
      const session = open(proxy);
      const down = await exchange(session, { ":path": `/bytes/${LARGE_BYTES}` });
      assert.deepEqual([down.status, down.bytes], [200, LARGE_BYTES]);
      const up = await exchange(session, { ":path": "/up", ":method": "POST" }, LARGE_BYTES);
      assert.equal((JSON.parse(up.text) as { received: number }).received, LARGE_BYTES);
      session.close();
      await atRest(proxy);
    });
  }

  test("cookies are one line for the back end, and Host is :authority", async () => {
    const session = open(plain);
    const { text } = await exchange(session, { ":path": "/", cookie: ["a=b", "c=d"], ":authority": "web.example" });
    const { headers } = JSON.parse(text) as { headers: Record<string, string> };
    assert.equal(headers["cookie"], "a=b; c=d");
    assert.equal(headers["host"], "web.example");
    session.close();
  });

  test("a WebSocket by extended CONNECT reaches a back end of HTTP/1.1", async () => {
    const session = open(plain);
    await new Promise<void>((done) => session.once("remoteSettings", () => done()));
    const stream = session.request(
      { ":method": "CONNECT", ":protocol": "websocket", ":path": "/ws", ":scheme": "http" },
      { endStream: false },
    );
    const status = await new Promise((done) => stream.once("response", (headers) => done(headers[":status"])));
    assert.equal(status, 200);
    stream.write("one frame");
    const echoed = await new Promise<string>((done) => stream.once("data", (chunk: Buffer) => done(chunk.toString())));
    assert.equal(echoed, "one frame");
    stream.close();
    session.close();
    await atRest(plain);
  });

  test("streams that are cancelled at any time leave nothing behind", async () => {
    const session = open(plain);
    const paths = ["/silent", "/bytes/1000000", "/x"];
    const cancelled = Array.from({ length: 300 }, (_, at) => {
      const stream = session.request({ ":path": paths[at % paths.length] });
      stream.on("error", () => {});
      stream.resume();
      const over = new Promise<void>((done) => stream.once("close", () => done()));
      if (at % 2 === 0) stream.close(constants.NGHTTP2_CANCEL);
      else stream.once("response", () => stream.close(constants.NGHTTP2_CANCEL));
      // Those that never get an answer go with the next turn.
      if (at % 3 === 0) setImmediate(() => stream.close(constants.NGHTTP2_CANCEL));
      return over;
    });
    await Promise.all(cancelled);
    assert.equal((await exchange(session, { ":path": "/after" })).status, 200);
    session.close();
    await atRest(plain);
  });

  test("a client that reads slowly does not fill the proxy's memory", async () => {
    const session = open(plain, { settings: { initialWindowSize: 65_535 } });
    const before = plain.rssMb();
    const streams = Array.from({ length: 20 }, () => {
      const stream = session.request({ ":path": "/bytes/50000000" });
      stream.on("error", () => {});
      return stream;
    });
    await Promise.all(streams.map((stream) => new Promise((done) => stream.once("response", done))));
    await new Promise((done) => setTimeout(done, 1000));
    assert.ok(plain.rssMb() - before < 100, `${Math.round(plain.rssMb() - before)} MB more for 1000 MB of answers that nobody reads`);
    for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
    session.close();
    await atRest(plain);
  });
});

function open(proxy: LoneProxy, options: { settings?: object } = {}): ClientHttp2Session {
  const session = connectHttp2(`${proxy === tls ? "https" : "http"}://localhost:${proxy.port}`, {
    ...options,
    rejectUnauthorized: false,
    lookup: ((_host: string, _options: unknown, callback: (error: null, addresses: unknown[]) => void) =>
      callback(null, [{ address: "127.0.0.1", family: 4 }])) as never,
  });
  session.on("error", () => {});
  return session;
}

interface Exchanged {
  readonly status: number;
  readonly bytes: number;
  /** The first kilobytes. */
  readonly text: string;
}

function exchange(session: ClientHttp2Session, headers: Record<string, string | string[]>, bodyBytes = 0): Promise<Exchanged> {
  return new Promise((done, fail) => {
    const stream = session.request(headers, { endStream: bodyBytes === 0 });
    let status = 0;
    let bytes = 0;
    let text = "";
    stream.on("response", (response) => (status = Number(response[":status"])));
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (text.length < 4096) text += chunk.toString("latin1", 0, 4096);
    });
    stream.on("error", fail);
    stream.on("end", () => done({ status, bytes, text }));
    if (bodyBytes > 0) sendBody(stream, bodyBytes);
  });
}

function sendBody(stream: ClientHttp2Stream, bytes: number): void {
  const piece = Buffer.alloc(65_536, "y");
  let left = bytes;
  const write = (): void => {
    while (left > 0) {
      const chunk = left >= piece.length ? piece : piece.subarray(0, left);
      left -= chunk.length;
      if (!stream.write(chunk)) {
        stream.once("drain", write);
        return;
      }
    }
    stream.end();
  };
  write();
}
