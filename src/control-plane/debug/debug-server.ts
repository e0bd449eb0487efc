// The debug and metrics server: HTTP on loopback, GET only. The Host header must name this machine, so that a web page somewhere
// cannot read it through a name of its own that points here.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { configDump } from "./config-dump.ts";
import type { DebugState } from "./debug-state.ts";
import { configDistribution, configz, endpointz, findingsDocument, findProxy, registryz, syncz } from "./documents.ts";

const REQUEST_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 100;

export interface DebugServer {
  readonly port: number;
  close(): Promise<void>;
}

/** @throws Error naming the port when it cannot be bound */
export async function listenDebug(state: () => DebugState, address: string, port: number): Promise<DebugServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS }, (request, response) =>
    serve(state(), request, response),
  );
  server.maxConnections = MAX_CONNECTIONS;
  await listen(server, address, port);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, address: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      reject(
        new Error(
          `cannot listen for debug requests on ${address}:${port}: ${error.message} (is another mesh running? choose another port)`,
          { cause: error },
        ),
      );
    });
    server.listen(port, address, () => {
      server.removeAllListeners("error");
      resolve();
    });
  });
}

const DOCUMENTS: Readonly<Record<string, (state: DebugState) => unknown>> = {
  "/debug/syncz": syncz,
  "/debug/registryz": registryz,
  "/debug/endpointz": endpointz,
  "/debug/configz": configz,
  "/debug/mesh": ({ mesh }) => mesh.config,
  "/debug/findings": findingsDocument,
  "/version": ({ version }) => ({ version }),
};

function serve(state: DebugState, request: IncomingMessage, response: ServerResponse): void {
  if (!isThisMachine(request.headers.host ?? "")) return text(response, 403, "the Host header must be localhost or a loopback address\n");
  const url = new URL(request.url ?? "/", "http://localhost");
  if (url.pathname === "/debug/adsz" && url.searchParams.get("push") === "true") return pushAll(state, request, response);
  if (request.method !== "GET" && request.method !== "HEAD") return text(response, 405, "only GET is served\n");
  // The server listens only once the configuration has been read and proxies can connect.
  if (url.pathname === "/ready") return text(response, 200, "ready\n");
  if (url.pathname === "/metrics") {
    const metrics = state.server.metrics.text(state.server.connections.length, state.mesh.services.length);
    return text(response, 200, `${metrics}${state.apiMetrics()}`);
  }
  if (url.pathname === "/debug/config_dump") return dump(state, url.searchParams.get("proxyID") ?? "", response);
  if (url.pathname === "/debug/config_distribution") return distribution(state, url.searchParams, response);
  const document = Object.hasOwn(DOCUMENTS, url.pathname) ? DOCUMENTS[url.pathname] : undefined;
  if (document !== undefined) return json(response, document(state));
  const paths = [...Object.keys(DOCUMENTS), "/debug/config_dump?proxyID=", DISTRIBUTION_PATH, "/metrics", "/ready"].sort();
  text(response, url.pathname === "/" ? 200 : 404, `${paths.join("\n")}\n`);
}

const DISTRIBUTION_PATH = "/debug/config_distribution?kind=&namespace=&name=";

function distribution(state: DebugState, query: URLSearchParams, response: ServerResponse): void {
  const [kind = "", namespace = "", name = ""] = ["kind", "namespace", "name"].map((field) => query.get(field) ?? "");
  const found = configDistribution(state, kind, namespace, name);
  if (found !== undefined) return json(response, found);
  text(
    response,
    404,
    `no ${kind || "object"} ${JSON.stringify(name)} in namespace ${JSON.stringify(namespace)}; ask ${DISTRIBUTION_PATH}\n`,
  );
}

/** istiod does this for a GET as well; a page that is read elsewhere could make a browser send that one. */
function pushAll({ server }: DebugState, request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== "POST" || request.headers.origin !== undefined)
    return text(response, 405, "only POST pushes, and not from a page\n");
  server.resendAll();
  text(response, 200, `pushed to ${server.proxies.length} proxies\n`);
}

function dump(state: DebugState, proxyId: string, response: ServerResponse): void {
  const proxy = findProxy(state, proxyId);
  if (proxy !== undefined) return json(response, configDump(proxy.resources));
  const known = state.server.proxies.map(({ node }) => `${node.name}.${node.namespace}`).join("\n");
  text(response, 404, `no proxy ${JSON.stringify(proxyId)} is connected; connected are:\n${known}\n`);
}

function isThisMachine(host: string): boolean {
  const name = host.replace(/:\d+$/u, "").toLowerCase();
  return name === "localhost" || name === "[::1]" || /^127(?:\.\d{1,3}){3}$/u.test(name);
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "content-type": "application/json" }).end(`${JSON.stringify(value, undefined, 2)}\n`);
}

function text(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(body);
}
