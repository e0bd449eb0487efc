// The supervisor's own HTTP API: how other commands reach a running mesh. Loopback only, with a token from the 0600 handle file; the
// Host header is checked, so that no web page can reach it by giving a name of its own the address 127.0.0.1.
import { timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { parseJoinRequest } from "./join-request.ts";
import type { JoinEvent, JoinRequest } from "./join-request.ts";

export interface SupervisorActions {
  status(): unknown;
  join(request: JoinRequest, tell: (event: JoinEvent) => void): Promise<string>;
  drain(instance: string): Promise<boolean>;
  leave(instance: string, reason: string): Promise<void>;
  /** Begins to stop the mesh. */
  stop(): void;
}

const MAX_BODY_BYTES = 256 * 1024;

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(`${JSON.stringify(body)}\n`);
}

export class SupervisorApi {
  #server: Server;
  #token: Buffer;
  #actions: SupervisorActions;
  #port = 0;

  constructor(token: string, actions: SupervisorActions) {
    this.#token = Buffer.from(token);
    this.#actions = actions;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else answer(response, 500, { error: error instanceof Error ? error.message : String(error) });
      });
    });
  }

  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host: "127.0.0.1", port: 0 }, () => {
        const bound = this.#server.address();
        this.#port = bound !== null && typeof bound === "object" ? bound.port : 0;
        resolve(this.#port);
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #allowed(request: IncomingMessage): boolean {
    const given = Buffer.from(/^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "");
    return given.length === this.#token.length && timingSafeEqual(given, this.#token);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const host = request.headers.host ?? "";
    if (host !== `127.0.0.1:${this.#port}` && host !== `localhost:${this.#port}`)
      return answer(response, 403, { error: "wrong Host header" });
    if (!this.#allowed(request)) return answer(response, 401, { error: "the token of mesh.json is needed" });
    const path = new URL(request.url ?? "/", "http://mesh").pathname;
    const [, first, second] = path.split("/");
    if (request.method === "GET" && path === "/status") return answer(response, 200, this.#actions.status());
    if (request.method === "POST" && path === "/stop") {
      answer(response, 202, { stopping: true });
      this.#actions.stop();
      return;
    }
    if (request.method === "POST" && path === "/workloads") return this.#join(request, response);
    if (request.method === "DELETE" && first === "workloads" && second !== undefined) {
      const drained = await this.#actions.drain(decodeURIComponent(second));
      return drained ? answer(response, 200, { drained: true }) : answer(response, 404, { error: `no instance ${second} joined by hand` });
    }
    answer(response, 404, { error: `no such resource: ${request.method} ${path}` });
  }

  /** The response stays open for as long as the instance belongs to the mesh: its end, however it comes, takes the instance out. */
  async #join(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readBody(request);
    if (text === undefined) return answer(response, 413, { error: "the request is too large" });
    let wanted: JoinRequest;
    try {
      wanted = parseJoinRequest(JSON.parse(text));
    } catch (error) {
      return answer(response, 400, { error: error instanceof Error ? error.message : String(error) });
    }
    let gone = false;
    let instance: string | undefined;
    response.on("close", () => {
      gone = true;
      if (instance !== undefined) void this.#actions.leave(instance, "its process ended");
    });
    const tell = (event: JoinEvent): void => {
      if (gone) return;
      if (!response.headersSent) response.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
      response.write(`${JSON.stringify(event)}\n`);
    };
    try {
      instance = await this.#actions.join(wanted, tell);
    } catch (error) {
      return answer(response, 409, { error: error instanceof Error ? error.message : String(error) });
    }
    if (gone) await this.#actions.leave(instance, "its process ended");
  }
}
