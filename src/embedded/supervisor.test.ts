import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { describe, it } from "node:test";
import { realClock } from "#runtime/clock";
import { silentLog } from "#runtime/log";
import { realRandom } from "#runtime/random";
import type { RunnableGroup } from "./child-messages.ts";
import type { JoinEvent } from "./join-request.ts";
import { LineSplitter } from "./line-output.ts";
import { processStart } from "./mesh-handle.ts";
import { Supervisor } from "./supervisor.ts";

const APPLICATION = `node -e 'require("node:http").createServer((q,r)=>r.end("hi")).listen(process.env.PORT,"127.0.0.1");console.log("proxy "+process.env.http_proxy)'`;

function group(name: string, command: string | undefined): RunnableGroup {
  return {
    spec: { namespace: "default", group: name, labels: { app: name }, serviceAccount: "default", ports: [], probe: undefined },
    command,
    directory: tmpdir(),
    terminationDrainMs: 100,
  };
}

/** Collects lines and lets a test wait for one. */
class Lines {
  #lines: string[] = [];
  #waiting: { readonly wanted: string; readonly times: number; readonly resolve: () => void }[] = [];

  pipe(name: string, readable: Readable): void {
    const splitter = new LineSplitter((line) => this.add(`${name}: ${line}`));
    readable.on("data", (chunk: Buffer) => splitter.write(chunk));
  }

  add(line: string): void {
    this.#lines.push(line);
    for (const waiter of this.#waiting.filter((one) => this.count(one.wanted) >= one.times)) waiter.resolve();
  }

  count(wanted: string): number {
    return this.#lines.filter((line) => line.includes(wanted)).length;
  }

  has(wanted: string, times = 1): Promise<void> {
    if (this.count(wanted) >= times) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ wanted, times, resolve }));
  }
}

const fakeMizzen = (name: string): readonly string[] => [process.execPath, join(import.meta.dirname, "testdata/fake-mizzen.ts"), name];

describe("the supervisor", () => {
  it("starts processes, gateway and workloads, takes in others by hand, restarts what dies and stops in order", async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), "mizzen-supervisor-"));
    const lines = new Lines();
    const ported: RunnableGroup = {
      ...group("hello", APPLICATION),
      spec: { ...group("hello", undefined).spec, ports: [{ name: "http", number: 19_080, protocol: "HTTP" }] },
    };
    const supervisor = new Supervisor({
      self: { controlPlane: fakeMizzen("control-plane"), dataPlane: fakeMizzen("data-plane") },
      node: process.execPath,
      version: "0.0.0",
      sources: [JSON.stringify(ported), JSON.stringify(group("byhand", undefined))],
      recursive: false,
      dataDirectory,
      environment: process.env,
      ownEnvironment: {},
      userPath: undefined,
      threads: 1,
      logSettings: { level: "off", format: "text" },
      clock: realClock,
      random: realRandom,
      log: silentLog,
      observer: {
        progress: (step) => lines.add(step),
        findings: () => {},
        application: (instance, readable) => lines.pipe(instance, readable),
        process: (name, readable) => lines.pipe(name, readable),
      },
    });
    try {
      assert.deepEqual(await supervisor.start(20_000), []);
      await lines.has("hello-1: proxy http://127.66.");
      const status = supervisor.status();
      assert.deepEqual(
        status.proxies.map((proxy) => [proxy.name, proxy.state]),
        [
          ["istio-ingressgateway-1", "gateway"],
          ["hello-1", "healthy"],
        ],
      );
      assert.equal(new Set(status.proxies.map((proxy) => proxy.address)).size, 2);

      // Killed: the endpoint leaves at once, the application comes back after a second.
      const before = status.proxies[1]?.pid ?? 0;
      process.kill(-before, "SIGKILL");
      await lines.has("report unhealthy: was ended by SIGKILL");

      // Killed: the data plane comes back by itself and gets its proxies again.
      const dataPlanePid = status.dataPlane.pid ?? 0;
      process.kill(dataPlanePid, "SIGKILL");
      await lines.has("proxy added", 4);

      const events: JoinEvent[] = [];
      const instance = await supervisor.join({ group: "byhand", namespace: "default", directory: "/tmp" }, (event) => events.push(event));
      assert.equal(instance, "byhand-1");
      assert.equal(events[0]?.event, "joined");
      await assert.rejects(
        supervisor.join({ group: "other", namespace: "default", directory: "/tmp" }, () => {}),
        /there is no WorkloadGroup other; known: byhand, hello/,
      );
      await supervisor.leave(instance, "test");

      const quick = await supervisor.join({ service: { name: "quick", port: 18_111 }, namespace: "default", directory: "/tmp" }, () => {});
      await lines.has("objects default/quick-v1 set");
      await supervisor.leave(quick, "test");
      await lines.has("objects default/quick-v1 gone");

      const after = supervisor.status();
      assert.equal(after.dataPlane.restarts, 1);
      const pids = [after.controlPlane.pid, after.dataPlane.pid].map((pid) => pid ?? 0);
      await supervisor.stop();
      assert.deepEqual(
        pids.map((pid) => processStart(pid)),
        ["", ""],
      );
      assert.deepEqual(
        supervisor.status().proxies.map((proxy) => proxy.name),
        ["istio-ingressgateway-1"],
      );
    } finally {
      supervisor.kill();
      rmSync(dataDirectory, { recursive: true, force: true });
    }
  });
});
