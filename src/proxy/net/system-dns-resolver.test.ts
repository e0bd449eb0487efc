import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { SystemDnsResolver } from "./system-dns-resolver.ts";
import type { DnsAddress, DnsLookupFamily } from "./dns-resolver.ts";

const folder = mkdtempSync(join(tmpdir(), "mizzen-dns-"));
after(() => rmSync(folder, { recursive: true }));

/** A DNS server that knows addresses of one name, with 30 seconds to live. */
async function server(known: string): Promise<{ readonly address: string; readonly asked: string[]; readonly close: () => void }> {
  const asked: string[] = [];
  const socket = createSocket("udp4");
  socket.on("message", (query, peer) => {
    let end = 12;
    const labels: string[] = [];
    while (query[end] !== 0) {
      const length = query[end] ?? 0;
      labels.push(query.toString("latin1", end + 1, end + 1 + length));
      end += length + 1;
    }
    const question = query.subarray(12, end + 5);
    const name = labels.join(".");
    const type = query.readUInt16BE(end + 1);
    asked.push(`${type} ${name}`);
    const records = name !== known ? [] : type === 1 ? [Buffer.from([10, 1, 0, 1]), Buffer.from([10, 1, 0, 2])] : [];
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(name === known ? 0x8180 : 0x8183, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    const answers = records.flatMap((data) => {
      const head = Buffer.alloc(12);
      head.writeUInt16BE(0xc00c, 0);
      head.writeUInt16BE(type, 2);
      head.writeUInt16BE(1, 4);
      head.writeUInt32BE(30, 6);
      head.writeUInt16BE(data.length, 10);
      return [head, data];
    });
    socket.send(Buffer.concat([header, question, ...answers]), peer.port, peer.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return { address: `127.0.0.1:${socket.address().port}`, asked, close: () => socket.close() };
}

function withHosts(text: string): SystemDnsResolver {
  const hostsFile = join(folder, "hosts");
  writeFileSync(hostsFile, text);
  return new SystemDnsResolver({ hostsFile });
}

async function addresses(resolver: SystemDnsResolver, name: string, family: DnsLookupFamily): Promise<readonly DnsAddress[]> {
  const answer = await resolver.resolve(name, family);
  assert.ok(answer.ok, JSON.stringify(answer));
  return answer.addresses;
}

test("a literal is its own answer, in its own family", async () => {
  const resolver = withHosts("");
  assert.deepEqual(await addresses(resolver, "10.2.3.4", "v4"), [{ address: "10.2.3.4", ttlMs: 0 }]);
  assert.deepEqual(await addresses(resolver, "10.2.3.4", "v6"), []);
  assert.deepEqual(await addresses(resolver, "fd00::1", "auto"), [{ address: "fd00::1", ttlMs: 0 }]);
});

test("the hosts file is asked first, and again each time", async () => {
  const resolver = withHosts("10.9.0.1 web.test web # of a test\n10.9.0.2 WEB.test\nfd00::9 web.test\n# 10.9.0.3 web.test\n");
  const texts = async (family: DnsLookupFamily): Promise<string[]> =>
    (await addresses(resolver, "web.test", family)).map(({ address }) => address);
  assert.deepEqual(await texts("v4"), ["10.9.0.1", "10.9.0.2"]);
  assert.deepEqual(await texts("v6"), ["fd00::9"]);
  assert.deepEqual(await texts("auto"), ["fd00::9"]);
  assert.deepEqual(await texts("v4-preferred"), ["10.9.0.1", "10.9.0.2"]);
  assert.deepEqual(await texts("all"), ["10.9.0.1", "10.9.0.2", "fd00::9"]);
  writeFileSync(join(folder, "hosts"), "10.9.0.4 web.test\n");
  assert.deepEqual(await texts("v4"), ["10.9.0.4"]);
});

test("localhost is this machine where no file says so", async () => {
  assert.deepEqual(await addresses(withHosts(""), "localhost", "v4"), [{ address: "127.0.0.1", ttlMs: 0 }]);
  assert.deepEqual(await addresses(withHosts(""), "web.localhost", "v6"), [{ address: "::1", ttlMs: 0 }]);
});

test("servers say how long their answer is good for; the library is asked for what they do not know", async (t) => {
  const dns = await server("web.test");
  t.after(dns.close);
  const asked: string[] = [];
  const lookup = async (name: string, family: number): Promise<readonly string[]> => {
    asked.push(`${family} ${name}`);
    if (name === "short") return ["10.1.0.9"];
    throw Object.assign(new Error(`getaddrinfo ${name}`), { code: name === "broken" ? "EAI_AGAIN" : "ENOTFOUND" });
  };
  const resolver = new SystemDnsResolver({ hostsFile: join(folder, "none"), servers: [dns.address], lookup });
  const found = await addresses(resolver, "web.test", "auto");
  assert.deepEqual(
    found.toSorted((a, b) => (a.address < b.address ? -1 : 1)),
    [
      { address: "10.1.0.1", ttlMs: 30_000 },
      { address: "10.1.0.2", ttlMs: 30_000 },
    ],
  );
  assert.deepEqual(dns.asked, ["28 web.test", "1 web.test"]);
  assert.deepEqual(await addresses(resolver, "short", "v4"), [{ address: "10.1.0.9", ttlMs: 0 }]);
  assert.deepEqual(await addresses(resolver, "nowhere.test", "v4"), []);
  assert.deepEqual(await resolver.resolve("broken", "v4"), { ok: false, detail: "getaddrinfo broken" });
  assert.deepEqual(asked, ["6 web.test", "4 short", "4 nowhere.test", "4 broken"]);
});
