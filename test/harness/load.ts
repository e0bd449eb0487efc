// Steady load on a mesh: a few keep-alive clients that never stop, and a record of everything that went wrong.
import { Agent, request as httpRequest } from "node:http";

export interface LoadTarget {
  readonly method: "GET" | "POST";
  readonly url: string;
  /** Through this HTTP proxy (a sidecar), in absolute form. */
  readonly proxy?: { readonly address: string; readonly port: number };
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface LoadReport {
  readonly sent: number;
  readonly failures: readonly string[];
  readonly slowestMs: number;
}

export interface Load {
  /** Answers so far. */
  readonly answered: number;
  stop(): Promise<LoadReport>;
}

/** Each target gets a client of its own that sends one request after the other, `pauseMs` apart. */
export function startLoad(targets: readonly LoadTarget[], pauseMs = 2): Load {
  let running = true;
  let sent = 0;
  let answered = 0;
  let slowestMs = 0;
  const failures: string[] = [];
  const once = (target: LoadTarget, agent: Agent): Promise<void> =>
    new Promise((done) => {
      const started = performance.now();
      const url = new URL(target.url);
      const where =
        target.proxy === undefined
          ? { host: url.hostname, port: url.port, path: url.pathname + url.search }
          : { host: target.proxy.address, port: target.proxy.port, path: target.url };
      const finish = (failure: string | undefined): void => {
        answered++;
        slowestMs = Math.max(slowestMs, performance.now() - started);
        if (failure !== undefined && failures.length < 1000)
          failures.push(`${new Date().toISOString()} ${target.method} ${target.url}: ${failure}`);
        done();
      };
      const length = target.body === undefined ? {} : { "content-length": String(Buffer.byteLength(target.body)) };
      const request = httpRequest(
        { ...where, method: target.method, agent, headers: { host: url.host, ...length, ...target.headers } },
        (response) => {
          let bytes = 0;
          let head = "";
          response.on("data", (chunk: Buffer) => {
            bytes += chunk.length;
            if (head.length < 200) head += chunk.toString("latin1", 0, 200);
          });
          response.on("error", (error) => finish(error.message));
          response.on("end", () =>
            finish(response.statusCode === 200 && bytes > 0 ? undefined : `${response.statusCode} ${head.slice(0, 160)}`),
          );
        },
      );
      sent++;
      request.on("error", (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
      request.end(target.body);
    });
  const clients = targets.map(async (target) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (running) {
      await once(target, agent);
      await new Promise((done) => setTimeout(done, pauseMs));
    }
    agent.destroy();
  });
  return {
    get answered() {
      return answered;
    },
    async stop() {
      running = false;
      await Promise.all(clients);
      return { sent, failures, slowestMs };
    },
  };
}
