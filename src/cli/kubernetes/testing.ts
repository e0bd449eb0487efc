// A server that answers clients of the Kubernetes API from a table, over HTTP on loopback.
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { KubernetesClient } from "./client.ts";

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly headers: IncomingMessage["headers"];
}

export interface Answer {
  readonly code?: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface FakeServer {
  readonly client: KubernetesClient;
  readonly asked: readonly Asked[];
  readonly warnings: readonly string[];
}

export async function fakeServer(t: TestContext, answer: (asked: Asked) => Answer): Promise<FakeServer> {
  const asked: Asked[] = [];
  const warnings: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const url = new URL(request.url ?? "/", "http://localhost");
      const one: Asked = {
        method: request.method ?? "",
        path: url.pathname,
        query: url.searchParams,
        body: text === "" ? undefined : JSON.parse(text),
        headers: request.headers,
      };
      asked.push(one);
      const { code = 200, body, headers = {} } = answer(one);
      response.writeHead(code, { "content-type": "application/json", ...headers });
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const connection = {
    name: "context test",
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    namespace: "default",
    tls: {},
    authorization: "Bearer secret",
  };
  const client = new KubernetesClient(connection, (text) => warnings.push(text));
  t.after(() => {
    client.close();
    server.close();
  });
  return { client, asked, warnings };
}

export function notFound(name: string): Answer {
  return {
    code: 404,
    body: { kind: "Status", status: "Failure", reason: "NotFound", code: 404, message: `"${name}" not found`, details: { name } },
  };
}
