// max_stream_duration of a cluster through a real Envoy and through our proxy: what clients see, what is logged and counted must be the same.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { startLoneProxy } from "../harness/lone-proxy.ts";
import { eventually } from "../harness/mesh.ts";

const EXTENSION = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const CLUSTER = {
  typedExtensionProtocolOptions: {
    [EXTENSION]: {
      "@type": `type.googleapis.com/${EXTENSION}`,
      explicitHttpConfig: { httpProtocolOptions: {} },
      commonHttpProtocolOptions: { maxStreamDuration: "0.3s" },
    },
  },
};

/** The answer, and "cut" where its end never came. `whole`: the request is complete. */
function ask(port: number, path: string, whole: boolean): Promise<string> {
  return new Promise((resolve) => {
    const asked = request({ port, host: "127.0.0.1", path, method: whole ? "GET" : "POST", agent: false }, (response) => {
      let body = "";
      response.on("data", (chunk) => (body += String(chunk)));
      response.on("error", () => {});
      response.on("close", () => resolve(`${response.statusCode} ${body} ${response.complete ? "" : "cut"}`.trim()));
    });
    asked.on("error", (error) => resolve(error.message));
    if (whole) asked.end();
    else asked.write("some");
  });
}

async function measure(kind: "envoy" | "mizzen"): Promise<unknown> {
  const server = createServer((asked, answer) => {
    if (asked.url === "/begun") answer.write("begun");
    if (asked.url === "/fast") answer.end("fast");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy = await startLoneProxy(kind, { backendPort: (server.address() as AddressInfo).port, cluster: CLUSTER });
  try {
    const seen: string[] = [];
    for (const [path, whole] of [
      ["/fast", true],
      ["/silent", true],
      ["/silent", false],
      ["/begun", true],
      ["/retry/silent", true],
    ] as const) {
      seen.push(`${path} ${await ask(proxy.port, path, whole)}`);
      const lines = seen.length;
      await eventually("a log line", 30_000, () => Promise.resolve(proxy.log().length >= lines ? true : undefined));
    }
    const stats = await proxy.stats(/^cluster\.outbound.*\.(upstream_rq_max_duration_reached|upstream_rq_retry|upstream_rq_total)$/);
    return { seen, log: proxy.log(), stats: [...stats.values()] };
  } finally {
    await proxy.stop();
    server.closeAllConnections();
    server.close();
  }
}

test("ends tries that last too long as Envoy does", async () => {
  const envoy = await measure("envoy");
  assert.deepEqual(await measure("mizzen"), envoy);
});
