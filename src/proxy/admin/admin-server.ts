// The admin endpoint of one proxy: Envoy's paths and answers over HTTP, on loopback only. It shows configuration and can end the proxy, so
// it refuses other addresses, and other Host headers than loopback's: a web page must not reach it through a name that points here.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { compileAddressRanges } from "#matcher/cidr";
import type { SocketAddress } from "#proxy/net/connection";
import type { Log } from "#runtime/log";
import type { AdminSource } from "./admin-source.ts";
import { helpText } from "./help-page.ts";
import type { Answer } from "./page.ts";
import { PAGES } from "./pages.ts";

// Not imported: an import reads every export of a module, and one of this one's is Node's whole fetch, 4 MB.
const { createServer } = process.getBuiltinModule("node:http");

const isLoopback = compileAddressRanges([
  { addressPrefix: "127.0.0.0", prefixLen: 8 },
  { addressPrefix: "::1", prefixLen: 128 },
]);

const TEXT = "text/plain; charset=UTF-8";

export class AdminServer {
  readonly #address: SocketAddress;
  readonly #source: AdminSource;
  readonly #log: Log;
  readonly #server: Server;
  /** Somebody said that it may be reached from elsewhere. */
  readonly #remote: boolean;

  constructor(address: SocketAddress, source: AdminSource, log: Log, remote = false) {
    this.#address = address;
    this.#remote = remote;
    this.#source = source;
    this.#log = log;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        this.#log.error("an admin request failed", { path: request.url, error: String(error) });
        response.destroy();
      });
    });
  }

  /** @throws Error when the address is not loopback or cannot be had */
  async listen(): Promise<void> {
    const { address, port } = this.#address;
    if (!this.#remote && !isLoopback(address))
      throw new Error(`admin address ${address} is not a loopback address; it must not be reachable from elsewhere`);
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (error) => reject(new Error(`admin endpoint ${address}:${port} cannot be had: ${error.message}`)));
      this.#server.listen(port, address, resolve);
    });
  }

  /** The port, also when 0 was asked for. */
  get port(): number {
    const bound = this.#server.address();
    return typeof bound === "object" && bound !== null ? bound.port : 0;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeIdleConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.#answer(request);
    const { status = 200, type = TEXT, body, afterwards } = answer;
    response.writeHead(status, {
      "content-type": type,
      "cache-control": "no-cache, max-age=0",
      "x-content-type-options": "nosniff",
      connection: "close",
    });
    response.end(request.method === "HEAD" ? undefined : body, afterwards);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    if (!this.#remote && !allowedHost(request.headers.host))
      return { status: 403, body: "this Host is not allowed here; use the loopback address\n" };
    if (fromAnotherSite(request.headers.origin, request.headers.host))
      return { status: 403, body: "pages of other origins may not ask here\n" };
    const target = request.url ?? "/";
    const url = target.startsWith("/") ? URL.parse(`http://admin${target}`) : null;
    if (url === null) return { status: 400, body: "the path is not one\n" };
    const page = Object.hasOwn(PAGES, url.pathname) ? PAGES[url.pathname] : undefined;
    if (page === undefined) return { status: 404, body: `invalid path. ${helpText(PAGES)}` };
    const { method = "GET" } = request;
    // As Envoy: what only shows something may be asked in any way.
    const allowed = page.method === "GET" || method === "POST";
    if (!allowed) return { status: 405, body: `Method ${method} not allowed, ${page.method} required.` };
    try {
      return await page.answer(this.#source, await parametersOf(request, url.searchParams));
    } catch (error) {
      // What a caller can get wrong is a regex; what else throws shows here too, and goes to the log.
      this.#log.debug("an admin request was refused", { path: url.pathname, error: String(error) });
      return { status: 400, body: `${error instanceof Error ? error.message : String(error)}\n` };
    }
  }
}

/** Browsers send Origin with every POST: a page elsewhere could end the proxy with a form, whose Host would be right. */
function fromAnotherSite(origin: string | undefined, host: string | undefined): boolean {
  return origin !== undefined && origin !== `http://${host}`;
}

function allowedHost(host: string | undefined): boolean {
  if (host === undefined) return false;
  const name = host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return name === "localhost" || isLoopback(name);
}

const MAX_FORM_BYTES = 65_536;

/** Those of the path, and of a form that was sent. */
async function parametersOf(request: IncomingMessage, query: URLSearchParams): Promise<URLSearchParams> {
  if (request.method !== "POST" || request.headers["content-type"] !== "application/x-www-form-urlencoded") return query;
  let body = "";
  for await (const chunk of request.setEncoding("utf8") as AsyncIterable<string>) {
    body += chunk;
    if (body.length > MAX_FORM_BYTES) throw new Error("the form is too long");
  }
  return new URLSearchParams([...query, ...new URLSearchParams(body)]);
}
