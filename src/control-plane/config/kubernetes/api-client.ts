// Requests to a Kubernetes API server: JSON in and out, refusals as StatusErrors, watches as events. Nothing here knows a resource.
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { StatusError } from "#control-plane/config/status-error";
import type { StoredObject } from "#control-plane/config/stored-object";

/** What a kubeconfig says of a server and of who asks. */
export interface ApiConnection {
  readonly server: string;
  readonly tls: {
    readonly ca?: string | undefined;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
    readonly servername?: string | undefined;
    readonly rejectUnauthorized?: boolean | undefined;
  };
  readonly authorization?: string | undefined;
}

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
}

export interface ApiEvent {
  readonly type: string;
  readonly object: StoredObject;
}

const TIMEOUT_MS = 10_000;

export class ApiClient {
  readonly #renew: (() => ApiConnection) | undefined;
  #connection: ApiConnection;
  #agent: HttpAgent | HttpsAgent;
  readonly #sentBy = new WeakMap<IncomingMessage, HttpAgent | HttpsAgent>();

  /** `renew`: credentials end, and are asked for anew when the server no longer takes them. */
  constructor(connection: ApiConnection, renew?: () => ApiConnection) {
    this.#connection = connection;
    this.#renew = renew;
    this.#agent = agentOf(connection);
  }

  /** @throws StatusError */
  async call<Answer>(request: ApiRequest): Promise<Answer> {
    const response = await this.#send(request, TIMEOUT_MS);
    const text = await this.#text(response);
    if (response.statusCode !== undefined && response.statusCode < 300) return JSON.parse(text) as Answer;
    throw this.#refusal(response, text);
  }

  /** Events until the server ends the answer or the connection breaks. @throws StatusError for a refusal, an ERROR event and a silent server */
  async *events(request: ApiRequest, signal: AbortSignal): AsyncGenerator<ApiEvent, void, void> {
    const response = await this.#send(request, 0, signal);
    if (response.statusCode !== 200) throw this.#refusal(response, await this.#text(response));
    let rest = "";
    response.setEncoding("utf8");
    try {
      for await (const chunk of response as AsyncIterable<string>) {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          if (line === "") continue;
          const event = JSON.parse(line) as ApiEvent;
          if (event.type === "ERROR") throw refusal(Number(event.object["code"] ?? 500), JSON.stringify(event.object));
          yield event;
        }
      }
    } catch (error) {
      if (error instanceof StatusError) throw error;
      if (!signal.aborted) throw this.#unreachable(error as Error);
    } finally {
      response.destroy();
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #send({ method, path, query = {}, body }: ApiRequest, timeoutMs: number, signal?: AbortSignal): Promise<IncomingMessage> {
    const { server, tls, authorization } = this.#connection;
    const url = new URL(`${server.replace(/\/+$/u, "")}${path}`);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = {
      accept: "application/json",
      "user-agent": "mizzen",
      ...(text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
      ...(authorization === undefined ? {} : { authorization }),
    };
    const agent = this.#agent;
    const options = { method, headers, agent, ...(signal === undefined ? {} : { signal }) };
    return new Promise((resolve, reject) => {
      const request = url.protocol === "https:" ? httpsRequest(url, { ...options, ...tls }) : httpRequest(url, options);
      if (timeoutMs > 0) request.setTimeout(timeoutMs, () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
      request.on("response", (response) => {
        this.#sentBy.set(response, agent);
        resolve(response);
      });
      request.on("error", (error) => reject(this.#unreachable(error)));
      request.end(text);
    });
  }

  async #text(response: IncomingMessage): Promise<string> {
    let text = "";
    response.setEncoding("utf8");
    try {
      for await (const chunk of response as AsyncIterable<string>) text += chunk;
    } catch (error) {
      throw this.#unreachable(error as Error);
    }
    return text;
  }

  /** The next request goes out with new credentials. */
  #refusal(response: IncomingMessage, text: string): StatusError {
    const answer = refusal(response.statusCode ?? 500, text);
    // Of many requests that are refused at once, one asks.
    if (answer.reason === "Unauthorized" && this.#renew !== undefined && this.#sentBy.get(response) === this.#agent) {
      this.#connection = this.#renew();
      this.#agent = agentOf(this.#connection);
    }
    return answer;
  }

  #unreachable(error: Error): StatusError {
    return StatusError.unavailable(`the API server ${this.#connection.server} does not answer: ${error.message}`, error);
  }
}

function agentOf({ server, tls }: ApiConnection): HttpAgent | HttpsAgent {
  return new URL(server).protocol === "https:" ? new HttpsAgent({ keepAlive: true, ...tls }) : new HttpAgent({ keepAlive: true });
}

function refusal(code: number, text: string): StatusError {
  try {
    return StatusError.of(code, JSON.parse(text) as object);
  } catch {
    // A proxy before the server answers in words.
    return StatusError.of(code, text === "" ? {} : { message: text.trim() });
  }
}
