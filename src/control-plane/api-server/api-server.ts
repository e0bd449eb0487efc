// The HTTPS server of the Kubernetes API: sockets, limits and credentials; what a request means is api-handler's. Loopback unless it is
// told otherwise. A page in a browser gets nothing: the Host must be the server's own, and an Origin is refused.
import { createServer, type Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { StatusError } from "#control-plane/config/status-error";
import type { ObjectStore } from "#control-plane/config/object-store";
import type { Clock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import { ApiHandler } from "./api-handler.ts";
import type { ApiRequest, ApiResponse } from "./api-request.ts";
import { bearerToken, isAdmin, userOfSubject, userOfToken } from "./credentials/authentication.ts";
import { keepPrivately, loadCredentials, type Credentials } from "./credentials/credentials.ts";
import { kubeconfigText } from "./credentials/kubeconfig.ts";
import type { User } from "./discovery/reviews.ts";
import type { ObjectReview } from "./admission/object-review.ts";
import { tooLarge, tooManyRequests } from "./refusals.ts";
import { RequestCounters } from "./request-counters.ts";
import { parsePath } from "./request/api-path.ts";
import type { ResourceTable } from "./resources/resource-table.ts";
import { ensureBuiltins } from "./builtins.ts";
import { warningHeaders } from "./warning-headers.ts";
import { sendWatch } from "./watch-response.ts";

const MAX_BODY_BYTES = 3 * 1024 * 1024;
const MAX_IN_FLIGHT = 400;
const MAX_WATCHES = 10_000;
/** Watches have a connection each; the rest is for everybody else. */
const MAX_CONNECTIONS = MAX_WATCHES + 1_000;
const REQUEST_TIMEOUT_MS = 60_000;
const MAX_HEADER_BYTES = 64 * 1024;
/** As Kubernetes: below that it costs more than it saves. */
const GZIP_FROM_BYTES = 128 * 1024;
const LOOPBACK = ["127.0.0.1", "localhost", "::1"];

export interface ApiServerOptions {
  readonly store: ObjectStore;
  readonly table: ResourceTable;
  readonly address: string;
  readonly port: number;
  /** Names by which clients elsewhere know this server, for its certificate. */
  readonly hosts?: readonly string[];
  /** In PEM: certificates of clients that it has issued are as good as the token. */
  readonly clientAuthority?: string;
  /** Where keys and the token are kept. */
  readonly stateDirectory: string;
  /** Where the kubeconfig of its owner is written. */
  readonly kubeconfig?: string;
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** What analysis says of objects that are not stored yet. */
  readonly review?: ObjectReview;
}

const compress = promisify(gzip);

export class ApiServer {
  readonly counters = new RequestCounters();
  readonly #options: ApiServerOptions;
  readonly #table: ResourceTable;
  readonly #credentials: Credentials;
  readonly #handler: ApiHandler;
  readonly #server: Server;
  readonly #hosts: ReadonlySet<string>;

  private constructor(options: ApiServerOptions) {
    this.#options = options;
    const { store, table, clock, random, log, version, stateDirectory, address } = options;
    this.#table = table;
    const hosts = [...new Set([...LOOPBACK, ...(isWildcard(address) ? [] : [address]), ...(options.hosts ?? [])])];
    this.#hosts = new Set(hosts.map((host) => host.toLowerCase()));
    this.#credentials = loadCredentials(stateDirectory, hosts, clock.wallMs());
    this.#handler = new ApiHandler({
      store,
      table,
      clock,
      random,
      log,
      version,
      userOf: (token) => userOfToken(token, this.#credentials.token),
      review: options.review ?? (() => []),
      metrics: () => this.counters.text(),
    });
    this.#server = createServer(
      {
        ...this.#credentials.serving,
        cert: this.#credentials.serving.certificate,
        ALPNProtocols: ["http/1.1"],
        minVersion: "TLSv1.2",
        requestCert: options.clientAuthority !== undefined,
        rejectUnauthorized: false,
        ...(options.clientAuthority === undefined ? {} : { ca: options.clientAuthority }),
        maxHeaderSize: MAX_HEADER_BYTES,
        requestTimeout: REQUEST_TIMEOUT_MS,
        headersTimeout: REQUEST_TIMEOUT_MS / 2,
        keepAliveTimeout: REQUEST_TIMEOUT_MS * 2,
      },
      (request, response) => void this.#serve(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** @throws Error naming the port when it cannot be bound */
  static async listen(options: ApiServerOptions): Promise<ApiServer> {
    const server = new ApiServer(options);
    await ensureBuiltins(options.store, server.#table, options.clock.wallMs());
    await server.#listen();
    if (options.kubeconfig !== undefined) keepPrivately(options.kubeconfig, kubeconfigText(server.url, server.#credentials));
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  get url(): string {
    const { address } = this.#options;
    const host = isWildcard(address) ? "127.0.0.1" : address;
    return `https://${host.includes(":") ? `[${host}]` : host}:${this.port}`;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #listen(): Promise<void> {
    const { address, port } = this.#options;
    return new Promise((resolve, reject) => {
      this.#server.once("error", (error) => {
        const hint = "(is another mesh running? choose another port)";
        reject(new Error(`cannot listen for the Kubernetes API on ${address}:${port}: ${error.message} ${hint}`, { cause: error }));
      });
      this.#server.listen(port, address, () => {
        this.#server.removeAllListeners("error");
        // A connection that breaks is not the server's end.
        this.#server.on("error", (error) => this.#options.log.warn("the API server's socket failed", { error: error.message }));
        resolve();
      });
    });
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    // Clients go away whenever they like.
    incoming.on("error", () => undefined);
    outgoing.on("error", () => undefined);
    const refused = this.#refusal(incoming);
    if (refused !== undefined) return this.#refuse(outgoing, refused[0], refused[1]);
    const url = urlOf(incoming);
    if (url === undefined) return this.#refuse(outgoing, "path", StatusError.badRequest("the path of the request cannot be read"));
    this.counters.inFlight++;
    let response: ApiResponse;
    try {
      const bytes = await bodyOf(incoming);
      if (bytes === undefined) {
        return this.#refuse(outgoing, "body", tooLarge(`Request entity too large: limit is ${MAX_BODY_BYTES}`));
      }
      const request = this.#requestOf(incoming, url, bytes);
      response = await this.#handler.handle(request);
      this.#count(request, response);
    } catch {
      // The client went away while it was sending.
      incoming.socket.destroy();
      return;
    } finally {
      this.counters.inFlight--;
    }
    if (response.is === "watch") return this.#watch(response, outgoing);
    await sendWhole(response, incoming, outgoing);
  }

  /** What is refused before anything is read of it, and why. */
  #refusal(incoming: IncomingMessage): readonly [string, StatusError] | undefined {
    if (!this.#hosts.has(hostName(incoming.headers.host ?? ""))) {
      const names = [...this.#hosts].join(", ");
      return ["host", new StatusError("Forbidden", `the Host header must be one of this server's names: ${names}`)];
    }
    if (incoming.headers.origin !== undefined)
      return ["origin", new StatusError("Forbidden", "pages in a browser may not ask this server")];
    if (Number(incoming.headers["content-length"] ?? 0) > MAX_BODY_BYTES) {
      return ["body", tooLarge(`Request entity too large: limit is ${MAX_BODY_BYTES}`)];
    }
    if (this.counters.inFlight >= MAX_IN_FLIGHT)
      return ["in flight", tooManyRequests("too many requests at a time, please try again later")];
    return undefined;
  }

  #refuse(outgoing: ServerResponse, reason: string, { status }: StatusError): void {
    this.counters.countRefusal(reason);
    // What is left of the request is not read.
    outgoing.writeHead(status.code, { "content-type": "application/json", connection: "close" }).end(`${JSON.stringify(status)}\n`);
  }

  #requestOf(incoming: IncomingMessage, url: URL, bytes: Buffer): ApiRequest {
    const { headers } = incoming;
    return {
      method: incoming.method ?? "GET",
      path: url.pathname,
      query: url.searchParams,
      accept: headers.accept ?? "",
      userAgent: headers["user-agent"] ?? "",
      body: { bytes, contentType: headers["content-type"] ?? "" },
      user: this.#user(incoming),
      host: headers.host ?? "",
    };
  }

  /** As Kubernetes, whoever may do everything may also ask as somebody else. */
  #user(incoming: IncomingMessage): User | undefined {
    const user = this.#authenticated(incoming);
    const name = incoming.headers["impersonate-user"];
    if (typeof name !== "string" || user === undefined || !isAdmin(user)) return user;
    const groups = [incoming.headers["impersonate-group"] ?? []].flat();
    return { name, groups: [...groups, "system:authenticated"] };
  }

  #authenticated(incoming: IncomingMessage): User | undefined {
    const token = bearerToken(incoming.headers.authorization ?? "");
    if (token !== undefined) return userOfToken(token, this.#credentials.token);
    const socket = incoming.socket as TLSSocket;
    if (this.#options.clientAuthority === undefined || !socket.authorized) return undefined;
    return userOfSubject({ ...socket.getPeerCertificate().subject });
  }

  #watch(response: Extract<ApiResponse, { is: "watch" }>, outgoing: ServerResponse): void {
    if (this.counters.watches >= MAX_WATCHES) {
      response.lines.close();
      return this.#refuse(outgoing, "watches", tooManyRequests(`there are ${MAX_WATCHES} watches already, please try again later`));
    }
    this.counters.watches++;
    const { clock } = this.#options;
    void sendWatch(response, outgoing, clock).then((end) => {
      this.counters.watches--;
      if (end === "slow") this.counters.countRefusal("slow watch");
    });
  }

  #count(request: ApiRequest, response: ApiResponse): void {
    const path = parsePath(request.path, this.#table);
    const code = response.is === "watch" ? 200 : response.code;
    if (path?.is !== "resource") return this.counters.count(request.method, "", "", "", code);
    const verb = response.is === "watch" ? "WATCH" : request.method === "GET" && path.name === "" ? "LIST" : request.method;
    this.counters.count(verb, path.resource.group, path.version, path.resource.plural, code);
  }
}

function isWildcard(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

/** Of `name:port`, `[::1]:port`. */
function hostName(header: string): string {
  const host = header.replace(/:\d+$/u, "").toLowerCase();
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}

function urlOf({ url = "/" }: IncomingMessage): URL | undefined {
  if (!url.startsWith("/")) return undefined;
  const question = url.indexOf("?");
  const [path, query] = question === -1 ? [url, ""] : [url.slice(0, question), url.slice(question)];
  // Dots in a path are looked at as they were sent, not resolved.
  if (path.split("/").some((part) => /^(?:\.|%2e){1,2}$/iu.test(part))) return undefined;
  return URL.parse(`${path.replaceAll(/\/{2,}/gu, "/")}${query}`, "https://server") ?? undefined;
}

/** Undefined: it is too large. */
async function bodyOf(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function sendWhole(
  response: Extract<ApiResponse, { is: "whole" }>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { code, contentType, text, warnings, headers } = response;
  const isHead = incoming.method === "HEAD";
  const wantsGzip = /\bgzip\b/u.test(incoming.headers["accept-encoding"]?.toString() ?? "");
  const content = typeof text === "string" ? Buffer.from(text) : text;
  const zipped = wantsGzip && !isHead && content.length >= GZIP_FROM_BYTES ? await compress(content) : undefined;
  const sent = zipped ?? content;
  if (warnings.length > 0) outgoing.setHeader("warning", warningHeaders(warnings));
  outgoing.writeHead(code, {
    "content-type": contentType,
    "content-length": String(sent.length),
    "cache-control": "no-cache, private",
    ...(zipped === undefined ? {} : { "content-encoding": "gzip" }),
    ...headers,
  });
  outgoing.end(isHead ? undefined : sent);
}
