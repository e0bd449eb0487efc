import assert from "node:assert/strict";
import { request as httpRequest } from "node:http";
import { after, before, test } from "node:test";
import { silentLog } from "#runtime/log";
import { AdminServer } from "./admin-server.ts";
import type { AdminSource } from "./admin-source.ts";

let quits = 0;
const failed: boolean[] = [];
// What the pages under test ask for.
const source: Pick<AdminSource, "state" | "quit" | "failHealthChecks"> = {
  state: () => "LIVE",
  quit: () => void quits++,
  failHealthChecks: (fail) => void failed.push(fail),
};
const server = new AdminServer({ address: "127.0.0.1", port: 0 }, source as AdminSource, silentLog);

before(() => server.listen());
after(() => server.close());

function ask(method: string, path: string, headers: Record<string, string> = {}): Promise<number> {
  return new Promise((done, fail) => {
    const request = httpRequest({ host: "127.0.0.1", port: server.port, method, path, headers, agent: false }, (response) => {
      response.resume();
      response.on("end", () => done(response.statusCode ?? 0));
    });
    request.on("error", fail);
    request.end();
  });
}

test("a name that only points here is refused: a web page may have it", async () => {
  for (const host of ["evil.example", "evil.example:15000", "127.0.0.1.evil.example", "[::1].evil.example", "10.0.0.1"])
    assert.equal(await ask("GET", "/ready", { host }), 403, host);
  for (const host of ["localhost", "127.0.0.1", "127.66.0.1:15000", "[::1]:15000"])
    assert.equal(await ask("GET", "/ready", { host }), 200, host);
});

test("a page of another origin can neither read nor end the proxy, though its Host is right", async () => {
  assert.equal(await ask("POST", "/quitquitquit", { origin: "https://evil.example" }), 403);
  assert.equal(await ask("POST", "/quitquitquit", { origin: "null" }), 403);
  assert.equal(await ask("GET", "/ready", { origin: "http://localhost:3000", host: "localhost:15000" }), 403);
  assert.equal(quits, 0);
  assert.equal(await ask("GET", "/ready", { origin: "http://localhost:15000", host: "localhost:15000" }), 200);
});

test("what changes something takes POST only, and paths are taken by the letter", async () => {
  assert.equal(await ask("GET", "/quitquitquit"), 405);
  assert.equal(await ask("PUT", "/quitquitquit"), 405);
  for (const path of ["//ready", "/ready/", "/%72eady", "/__proto__", "/constructor", "/toString"])
    assert.equal(await ask("GET", path), 404, path);
  for (const path of ["http://[", "*"]) assert.equal(await ask("GET", path), 400, path);
  assert.equal(quits, 0);
  assert.equal(await ask("POST", "/quitquitquit"), 200);
  assert.equal(quits, 1);
});

test("an operator can fail the proxy's health checks and take that back", async () => {
  failed.length = 0;
  assert.equal(await ask("GET", "/healthcheck/fail"), 405);
  assert.equal(await ask("POST", "/healthcheck/fail"), 200);
  assert.equal(await ask("POST", "/healthcheck/ok"), 200);
  assert.deepEqual(failed, [true, false]);
});
