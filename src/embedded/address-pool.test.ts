import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AddressPool, meshAddress } from "./address-pool.ts";

const unlocked = { lock: () => Promise.resolve(true), release: () => {} };
const HTTP = [{ name: "http", number: 9080, protocol: "HTTP" }];

function probes(taken: readonly string[], own = true) {
  let next = 40_000;
  return {
    isFree: (address: string, port: number) => Promise.resolve((own || address === "127.0.0.1") && !taken.includes(`${address}:${port}`)),
    freePort: () => Promise.resolve(next++),
  };
}

describe("the addresses of the mesh", () => {
  it("count up in 127.66.0.0/16 without networks and broadcasts", () => {
    assert.deepEqual([1, 254, 255, 256, 257, 65_534].map(meshAddress), [
      "127.66.0.1",
      "127.66.0.254",
      undefined,
      undefined,
      "127.66.1.1",
      "127.66.255.254",
    ]);
  });

  it("pass over one of which a port is taken and reuse one that was given back", async () => {
    const pool = await AddressPool.open(unlocked, probes(["127.66.0.1:15000", "127.66.0.2:9080"]));
    const [gateway, first, second] = await Promise.all([pool.allocate([]), pool.allocate(HTTP), pool.allocate(HTTP)]);
    assert.deepEqual([gateway.address, first.address, second.address], ["127.66.0.2", "127.66.0.3", "127.66.0.4"]);
    assert.deepEqual([first.adminPort, first.httpProxyPort, first.inbound[0]?.listenPort], [15_000, 15_001, 9080]);
    assert.notEqual(first.inbound[0]?.application.port, second.inbound[0]?.application.port);
    pool.release(first);
    assert.equal((await pool.allocate(HTTP)).address, "127.66.0.3");
  });

  it("pass over one that another mesh has chosen", async () => {
    const given: string[] = [];
    const locks = {
      lock: (address: string) => Promise.resolve(address !== "127.66.0.1"),
      release: (address: string) => given.push(address),
    };
    const pool = await AddressPool.open(locks, probes(["127.66.0.2:15000"]));
    const place = await pool.allocate([]);
    assert.equal(place.address, "127.66.0.3");
    pool.release(place);
    assert.deepEqual(given, ["127.66.0.2", "127.66.0.3"], "an address that is not taken is given back");
  });

  it("share 127.0.0.1 with ports of their own where there is nothing else", async () => {
    const pool = await AddressPool.open(unlocked, probes([], false));
    assert.equal(pool.hasOwnAddresses, false);
    const [first, second] = await Promise.all([pool.allocate(HTTP), pool.allocate(HTTP)]);
    assert.deepEqual([first.address, second.address], ["127.0.0.1", "127.0.0.1"]);
    const ports = [first, second].flatMap((place) => [place.adminPort, place.httpProxyPort, place.inbound[0]?.listenPort]);
    assert.equal(new Set(ports).size, 6);
    assert.equal(first.inbound[0]?.port.number, 9080);
  });
});
