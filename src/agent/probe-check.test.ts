import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { freePort } from "./instance-address.ts";
import { checkFor } from "./probe-check.ts";

const PLACE = { applicationPort: (declared: number) => declared, directory: "/", environment: { PATH: "/bin:/usr/bin", WANTED: "0" } };

describe("a probe's checks", () => {
  it("take 200 to 399 for healthy over HTTP and map the declared port to the application's", async (t) => {
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.url} ${String(request.headers["x-probe"])} ${request.headers["user-agent"]}`);
      response.writeHead(request.url === "/bad" ? 500 : 302).end();
    });
    t.after(() => server.close());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const place = { ...PLACE, applicationPort: (declared: number) => (declared === 9080 ? port : declared) };
    const action = { type: "http", path: "/ok", port: 9080, host: "127.0.0.1", scheme: "http", headers: { "x-probe": "1" } } as const;
    assert.equal(await checkFor(action, place)(new AbortController().signal), undefined);
    assert.match((await checkFor({ ...action, path: "/bad" }, place)(new AbortController().signal)) ?? "", /answered 500/);
    assert.equal(asked[0], "/ok 1 mizzen-probe");
  });

  it("fail when nobody listens", async () => {
    const port = await freePort();
    const signal = new AbortController().signal;
    assert.match((await checkFor({ type: "tcp", host: "127.0.0.1", port }, PLACE)(signal)) ?? "", /ECONNREFUSED/);
    const http = { type: "http", path: "/", port, host: "127.0.0.1", scheme: "http", headers: {} } as const;
    assert.match((await checkFor(http, PLACE)(signal)) ?? "", /ECONNREFUSED/);
  });

  it("run a program in the application's environment and end it when time is up", async () => {
    const signal = new AbortController().signal;
    assert.equal(await checkFor({ type: "exec", command: ["sh", "-c", "exit $WANTED"] }, PLACE)(signal), undefined);
    assert.match((await checkFor({ type: "exec", command: ["sh", "-c", "exit 3"] }, PLACE)(signal)) ?? "", /ended with 3/);
    assert.match((await checkFor({ type: "exec", command: ["no-such-program-here"] }, PLACE)(signal)) ?? "", /ENOENT/);
    const abort = new AbortController();
    const running = checkFor({ type: "exec", command: ["sleep", "60"] }, PLACE)(abort.signal);
    abort.abort();
    assert.match((await running) ?? "", /abort/);
  });
});
