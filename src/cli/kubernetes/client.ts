// A client of one Kubernetes API server: requests, watches, errors as the server says them. Ours rather than a library's, because it is
// loaded by every `mizzen get`, which shall answer at once.
import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { gunzipSync } from "node:zlib";
import { CommandError } from "#cli/command-error";
import { ApiError, type Status } from "./api-error.ts";
import type { Connection } from "./kubeconfig.ts";

const TIMEOUT_MS = 30_000;
/** A set of thousands is asked for in turns. */
const MAX_CONNECTIONS = 16;

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Call {
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly query?: Query;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
}

export interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: T;
}

export interface Reply<T> {
  readonly code: number;
  readonly body: T;
}

export class KubernetesClient {
  readonly connection: Connection;
  readonly #base: URL;
  readonly #agent: HttpAgent | HttpsAgent;
  /** Hears each `Warning:` of the server. */
  readonly #warn: (text: string) => void;
  readonly #said = new Set<string>();

  constructor(connection: Connection, warn: (text: string) => void) {
    if (!URL.canParse(connection.server)) throw new CommandError(`"${connection.server}" of ${connection.name} is no URL of an API server`);
    this.connection = connection;
    this.#base = new URL(connection.server);
    const pool = { keepAlive: true, maxSockets: MAX_CONNECTIONS };
    this.#agent = this.#base.protocol === "http:" ? new HttpAgent(pool) : new HttpsAgent({ ...pool, ...connection.tls });
    this.#warn = warn;
  }

  /** @throws ApiError when it is refused; CommandError when nobody answers */
  async call<T>(path: string, call: Call = {}): Promise<Reply<T>> {
    const response = await this.#send(path, call);
    const text = await textOf(response);
    const code = response.statusCode ?? 0;
    const body = parse(text);
    if (code >= 200 && code < 300) return { code, body: (body ?? text) as T };
    throw new ApiError(code, (body ?? { message: text.trim() || undefined }) as Status, `${call.method ?? "GET"} ${path}`);
  }

  async get<T>(path: string, query: Query = {}, accept?: string): Promise<T> {
    return (await this.call<T>(path, { query, ...(accept === undefined ? {} : { accept }) })).body;
  }

  /** Ends when the server ends it, or `signal` does. */
  async *watch<T>(path: string, query: Query, signal: AbortSignal, accept?: string): AsyncGenerator<WatchEvent<T>> {
    const response = await this.#send(path, { query: { ...query, watch: true }, ...(accept === undefined ? {} : { accept }) }, true);
    if (response.statusCode !== 200) {
      const text = await textOf(response);
      throw new ApiError(response.statusCode ?? 0, (parse(text) ?? { message: text.trim() }) as Status, `watching ${path}`);
    }
    const stop = (): void => void response.destroy();
    signal.addEventListener("abort", stop, { once: true });
    let rest = "";
    response.setEncoding("utf8");
    try {
      for await (const chunk of response as AsyncIterable<string>) {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (line !== "") yield JSON.parse(line) as WatchEvent<T>;
      }
    } catch (error) {
      // A watch that broke off is one that ended: whoever watches begins again from where it was.
      if (!signal.aborted && !isBrokenConnection(error)) throw error;
    } finally {
      signal.removeEventListener("abort", stop);
      response.destroy();
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(path: string, call: Call, isWatch = false): Promise<IncomingMessage> {
    const url = new URL(this.#base);
    url.pathname = `${this.#base.pathname.replace(/\/$/u, "")}${path}`;
    for (const [name, value] of Object.entries(call.query ?? {})) if (value !== undefined) url.searchParams.set(name, String(value));
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const headers = {
      accept: call.accept ?? "application/json",
      "user-agent": "mizzen",
      ...(isWatch ? {} : { "accept-encoding": "gzip" }),
      ...(body === undefined ? {} : { "content-type": call.contentType ?? "application/json", "content-length": Buffer.byteLength(body) }),
      ...(this.connection.authorization === undefined ? {} : { authorization: this.connection.authorization }),
    };
    return new Promise((resolve, reject) => {
      const options = { method: call.method ?? "GET", headers, agent: this.#agent };
      const request: ClientRequest =
        url.protocol === "http:" ? httpRequest(url, options) : httpsRequest(url, { ...options, ...this.connection.tls });
      request.setTimeout(isWatch ? 0 : TIMEOUT_MS, () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
      request.on("error", (error) => reject(this.#unreachable(error)));
      request.on("response", (response) => {
        for (const text of warningsOf(response)) {
          if (this.#said.has(text)) continue;
          this.#said.add(text);
          this.#warn(text);
        }
        resolve(response);
      });
      request.end(body);
    });
  }

  #unreachable(error: Error): CommandError {
    const { server, name } = this.connection;
    const code = (error as NodeJS.ErrnoException).code ?? "";
    const step = code.includes("CERT") || code.includes("SELF_SIGNED") ? "does its certificate-authority fit?" : "is it running?";
    return new CommandError(`the API server of ${name} (${server}) does not answer: ${error.message || code}; ${step}`);
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  const whole = Buffer.concat(chunks);
  return (response.headers["content-encoding"] === "gzip" ? gunzipSync(whole) : whole).toString("utf8");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // /healthz and proxies before the server answer in words.
    return undefined;
  }
}

function isBrokenConnection(error: unknown): boolean {
  return ["ECONNRESET", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE"].includes((error as NodeJS.ErrnoException).code ?? "");
}

/** RFC 7234 5.5: `299 - "text"`, several by commas. */
function warningsOf(response: IncomingMessage): readonly string[] {
  const header = response.headers["warning"];
  if (header === undefined) return [];
  return [...header.matchAll(/\b299 \S+ "((?:[^"\\]|\\.)*)"/gu)].map(([, text = ""]) => text.replaceAll(/\\(.)/gu, "$1"));
}
