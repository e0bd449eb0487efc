// The other end of the supervisor's API, for commands.
import { request } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import type { JoinEvent, JoinRequest } from "./join-request.ts";
import { LineSplitter } from "./line-output.ts";
import type { MeshHandle } from "./mesh-handle.ts";
import type { MeshStatus } from "./supervisor.ts";

/** The mesh answered, but not with what was asked for; or it did not answer at all. */
export class SupervisorCallError extends Error {
  override readonly name = "SupervisorCallError";
}

export interface Membership {
  /** Resolves when the mesh has let go of us: it was stopped, or it died. */
  readonly ended: Promise<void>;
  /** Ends the membership. */
  close(): void;
}

export class SupervisorClient {
  #api: { readonly port: number; readonly token: string };

  constructor(handle: MeshHandle) {
    if (handle.api === undefined) throw new SupervisorCallError("the mesh is still being started; try again in a moment");
    this.#api = handle.api;
  }

  async status(): Promise<MeshStatus & { readonly ready: boolean }> {
    return (await this.#json("GET", "/status")) as MeshStatus & { readonly ready: boolean };
  }

  async stop(): Promise<void> {
    await this.#json("POST", "/stop");
  }

  async drain(instance: string): Promise<void> {
    await this.#json("DELETE", `/workloads/${encodeURIComponent(instance)}`);
  }

  /** Joins, and hands over what the mesh says until the membership ends. @throws SupervisorCallError when the mesh refuses */
  join(wanted: JoinRequest, onEvent: (event: JoinEvent) => void): Promise<Membership> {
    return new Promise((resolve, reject) => {
      const asked = this.#request("POST", "/workloads", (response) => {
        if (response.statusCode !== 200) {
          readText(response).then((text) => reject(new SupervisorCallError(errorOf(text, response.statusCode))), reject);
          return;
        }
        const lines = new LineSplitter((line) => onEvent(JSON.parse(line) as JoinEvent));
        response.on("data", (chunk: Buffer) => lines.write(chunk));
        const ended = new Promise<void>((done) => response.on("close", done));
        response.on("error", () => {}); // "close" follows, and is what the owner waits for
        resolve({ ended, close: () => asked.destroy() });
      });
      asked.on("error", (error) => reject(new SupervisorCallError(`the mesh does not answer: ${error.message}`)));
      asked.end(JSON.stringify(wanted));
    });
  }

  #json(method: string, path: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const asked = this.#request(method, path, (response) => {
        readText(response).then((text) => {
          const status = response.statusCode ?? 0;
          if (status < 300) resolve(JSON.parse(text));
          else reject(new SupervisorCallError(errorOf(text, status)));
        }, reject);
      });
      asked.on("error", (error) => reject(new SupervisorCallError(`the mesh does not answer: ${error.message}`)));
      asked.end();
    });
  }

  #request(method: string, path: string, onResponse: (response: IncomingMessage) => void): ClientRequest {
    const headers = { authorization: `Bearer ${this.#api.token}` };
    return request({ host: "127.0.0.1", port: this.#api.port, method, path, headers, agent: false }, onResponse);
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  let text = "";
  response.setEncoding("utf8");
  for await (const chunk of response) text += String(chunk);
  return text;
}

function errorOf(text: string, status: number | undefined): string {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    if (typeof error === "string") return error;
  } catch {
    // not ours: the status has to do
  }
  return `the mesh answered ${status}`;
}
