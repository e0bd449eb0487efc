// A browser's WebSocket over HTTP/2 and TLS (RFC 8441): Chromium opens a page by HTTP/2, and sends its WebSocket through the same connection
// when the proxy's SETTINGS offer it. The back end speaks HTTP/1.1.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import { debianTool } from "../harness/tools.ts";
import { FakeAuthority } from "#proxy/net/certificates.fake";

const MESSAGE = "from a browser";
const OPCODE_TEXT = 1;
const OPCODE_CLOSE = 8;

const PAGE = `<!doctype html><script>
const report = (result) => fetch("/report", { method: "POST", body: JSON.stringify(result) });
const protocol = performance.getEntriesByType("navigation")[0].nextHopProtocol;
const socket = new WebSocket("wss://" + location.host + "/socket");
socket.onopen = () => socket.send("${MESSAGE}");
socket.onmessage = (event) => socket.close(1000, event.data);
socket.onclose = (event) => report({ protocol, code: event.code, clean: event.wasClean, echoed: event.reason });
</script>`;

interface Report {
  readonly protocol: string;
  readonly code: number;
  readonly clean: boolean;
  readonly echoed: string;
}

/** Frames of a client: short ones, masked (RFC 6455 5.2). A frame is echoed as it was, but for the mask. */
function echoFrames(socket: Duplex): void {
  let held = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    while (held.length >= 6 && held.length >= 6 + (held[1]! & 0x7f)) {
      const length = held[1]! & 0x7f;
      const opcode = held[0]! & 0x0f;
      const mask = held.subarray(2, 6);
      const payload = held.subarray(6, 6 + length).map((byte, at) => byte ^ mask[at % 4]!);
      held = held.subarray(6 + length);
      if (opcode !== OPCODE_TEXT && opcode !== OPCODE_CLOSE) continue;
      socket.write(Buffer.concat([Buffer.from([0x80 | opcode, length]), payload]));
      if (opcode === OPCODE_CLOSE) socket.end();
    }
  });
  socket.on("error", () => {});
}

class WebSite {
  readonly server: Server;
  readonly report: Promise<Report>;
  /** The handshakes that reached it. */
  readonly upgrades: IncomingMessage[] = [];
  #reported: (report: Report) => void = () => {};

  constructor() {
    this.report = new Promise((done) => (this.#reported = done));
    this.server = createServer((request, response) => this.#answer(request, response));
    this.server.on("upgrade", (request, socket) => this.#upgrade(request, socket));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.url !== "/report") {
      response.writeHead(request.url === "/" ? 200 : 404, { "content-type": "text/html" }).end(request.url === "/" ? PAGE : "");
      return;
    }
    let text = "";
    request.on("data", (chunk: Buffer) => (text += chunk.toString()));
    request.on("end", () => {
      response.end();
      this.#reported(JSON.parse(text) as Report);
    });
  }

  #upgrade(request: IncomingMessage, socket: Duplex): void {
    this.upgrades.push(request);
    const accept = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest("base64");
    const head = ["HTTP/1.1 101 Switching Protocols", "connection: Upgrade", "upgrade: websocket", `sec-websocket-accept: ${accept}`];
    socket.write(`${head.join("\r\n")}\r\n\r\n`);
    echoFrames(socket);
  }
}

test("a browser's WebSocket goes through the HTTP/2 connection of its page", { timeout: 120_000 }, async () => {
  const chromium = debianTool("chromium-headless-shell", "chromium-headless-shell");
  const folder = mkdtempSync(join(tmpdir(), "mizzen-browser-"));
  const site = new WebSite();
  await new Promise<void>((done) => site.server.listen(0, "127.0.0.1", done));
  const { certificate, key } = new FakeAuthority().issue({ hosts: ["localhost"] });
  const proxy = await startLoneProxy("mizzen", {
    backendPort: (site.server.address() as AddressInfo).port,
    manager: { http2ProtocolOptions: { allowConnect: true } },
    transportSocket: {
      name: "envoy.transport_sockets.tls",
      typedConfig: {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        commonTlsContext: {
          alpnProtocols: ["h2", "http/1.1"],
          tlsCertificates: [{ certificateChain: { inlineString: certificate }, privateKey: { inlineString: key } }],
        },
      },
    },
  });
  const options = [
    "--no-sandbox",
    "--disable-gpu",
    "--ignore-certificate-errors",
    "--remote-debugging-port=0",
    `--user-data-dir=${folder}`,
  ];
  const browser = spawn(chromium, [...options, `https://127.0.0.1:${proxy.port}/`], {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  let said = "";
  browser.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  const ended = new Promise<never>((_, fail) => browser.on("exit", (code) => fail(new Error(`the browser ended with ${code}: ${said}`))));
  ended.catch(() => {});
  try {
    const report = await Promise.race([site.report, ended]);
    assert.deepEqual(report, { protocol: "h2", code: 1000, clean: true, echoed: MESSAGE });
    assert.deepEqual(
      site.upgrades.map(({ method, httpVersion, url, headers }) => [method, httpVersion, url, headers.upgrade]),
      [["GET", "1.1", "/socket", "websocket"]],
    );
    const stats = await proxy.stats(/^http\.lone\.downstream_cx_(http1_total|upgrades_total)$/);
    assert.equal(stats.get("http.lone.downstream_cx_http1_total") ?? 0, 0);
    assert.equal(stats.get("http.lone.downstream_cx_upgrades_total"), 1);
  } finally {
    const over = new Promise((done) => browser.on("close", done));
    // Debian's program is a script that starts another: all of its group go.
    if (browser.pid !== undefined && browser.exitCode === null) process.kill(-browser.pid, "SIGTERM");
    await over;
    await proxy.stop();
    site.server.close();
    site.server.closeAllConnections();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});
