// The host processes of the soak test, and who among them may be sent traffic.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { ROOT } from "../harness/mesh.ts";
import type { KeyPair } from "#runtime/x509";

export interface HostPorts {
  readonly http: number;
  readonly https: number;
  readonly http2: number;
  readonly tcp: number;
}

interface Host {
  readonly child: ChildProcess;
  readonly ports: HostPorts;
  readonly ended: Promise<void>;
}

export class Hosts {
  readonly #identity: KeyPair;
  readonly #hosts: Host[] = [];

  constructor(identity: KeyPair) {
    this.#identity = identity;
  }

  get ports(): readonly HostPorts[] {
    return this.#hosts.map(({ ports }) => ports);
  }

  async add(): Promise<void> {
    const child = spawn(process.execPath, [join(ROOT, "test/soak/host-process.ts")], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { PATH: process.env["PATH"], HOST_KEY: this.#identity.key, HOST_CERTIFICATE: this.#identity.certificate },
    });
    const ended = new Promise<void>((done) => child.on("close", () => done()));
    const line = await new Promise<string>((done, fail) => {
      child.stdout.once("data", (chunk: Buffer) => done(chunk.toString()));
      child.once("error", fail);
    });
    const [http = 0, https = 0, http2 = 0, tcp = 0] = JSON.parse(line) as number[];
    this.#hosts.push({ child, ports: { http, https, http2, tcp }, ended });
  }

  /** The one that runs longest is not in `ports` any more, and can be ended. */
  takeOldest(): { readonly ports: HostPorts; drain(): Promise<void> } {
    const host = this.#hosts.shift();
    if (host === undefined) throw new Error("no host is left");
    return {
      ports: host.ports,
      drain() {
        host.child.kill("SIGTERM");
        return host.ended;
      },
    };
  }

  /** Dies without anybody being told. */
  async killOldest(): Promise<void> {
    const [host] = this.#hosts;
    host?.child.kill("SIGKILL");
    await host?.ended;
  }

  async close(): Promise<void> {
    for (const { child } of this.#hosts) child.kill("SIGKILL");
    await Promise.all(this.#hosts.map(({ ended }) => ended));
  }
}
