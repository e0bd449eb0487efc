// Gives each proxy of the machine an address of its own in 127.66.0.0/16, so that every workload can listen on its Service's port.
// Where the OS has only 127.0.0.1 (macOS), proxies share it and get ports of their own.
import { ADMIN_PORT, applicationPorts, freePort, HTTP_PROXY_PORT, isFree } from "#agent/instance-address";
import type { InstanceAddress } from "#agent/instance-address";
import type { PlaceLocks } from "./place-locks.ts";
import type { WorkloadPort } from "#agent/workload-spec";

const FIRST_HOST = 1;
const LAST_HOST = 65_534;

/** The nth address: 1 is 127.66.0.1. Hosts that end in 0 or 255 are passed over: they look like networks and broadcasts. */
export function meshAddress(host: number): string | undefined {
  const last = host % 256;
  if (host < FIRST_HOST || host > LAST_HOST || last === 0 || last === 255) return undefined;
  return `127.66.${Math.floor(host / 256)}.${last}`;
}

export interface PoolProbes {
  readonly isFree: (address: string, port: number) => Promise<boolean>;
  readonly freePort: (address: string) => Promise<number>;
}

type Locks = Pick<PlaceLocks, "lock" | "release">;

export class AddressPool {
  #probes: PoolProbes;
  #locks: Locks;
  #own: boolean;
  #taken = new Set<string>();
  /** Allocations run one after the other: two at once could be given the same port. */
  #tail: Promise<unknown> = Promise.resolve();

  /** @param own true when this machine has all of 127.0.0.0/8 */
  private constructor(own: boolean, locks: Locks, probes: PoolProbes) {
    this.#own = own;
    this.#locks = locks;
    this.#probes = probes;
  }

  static async open(locks: Locks, probes: PoolProbes = { isFree, freePort }): Promise<AddressPool> {
    // Any port will do: what is asked is whether the address can be bound at all.
    const port = await probes.freePort("127.0.0.1");
    return new AddressPool(await probes.isFree("127.66.0.1", port), locks, probes);
  }

  get hasOwnAddresses(): boolean {
    return this.#own;
  }

  /**
   * An address whose ports for administration, HTTP proxy and `ports` are free. Give it back with `release`.
   * @throws Error when there is none left
   */
  allocate(ports: readonly WorkloadPort[], preferredApplicationPort?: number): Promise<InstanceAddress> {
    const result = this.#tail.then(() => this.#allocate(ports, preferredApplicationPort));
    this.#tail = result.catch(() => {});
    return result;
  }

  release(place: InstanceAddress): void {
    if (this.#taken.delete(place.address)) this.#locks.release(place.address, ADMIN_PORT);
  }

  async #allocate(ports: readonly WorkloadPort[], preferred: number | undefined): Promise<InstanceAddress> {
    const behind = await applicationPorts(ports, preferred);
    const inbound = (address: string, listenPorts: readonly number[]): InstanceAddress["inbound"] =>
      ports.map((port, index) => ({
        port,
        listenPort: listenPorts[index] ?? port.number,
        application: { address: "127.0.0.1", port: behind[index] ?? 0 },
      }));
    if (!this.#own) {
      const address = "127.0.0.1";
      const listenPorts: number[] = [];
      for (const _port of ports) listenPorts.push(await this.#probes.freePort(address));
      const adminPort = await this.#probes.freePort(address);
      const httpProxyPort = await this.#probes.freePort(address);
      return { address, adminPort, httpProxyPort, inbound: inbound(address, listenPorts) };
    }
    for (let host = FIRST_HOST; host <= LAST_HOST; host++) {
      const address = meshAddress(host);
      if (address === undefined || this.#taken.has(address)) continue;
      const wanted = [ADMIN_PORT, HTTP_PROXY_PORT, ...ports.map((port) => port.number)];
      // Another mesh may have chosen the address and not bound anything yet.
      if (!(await this.#locks.lock(address, ADMIN_PORT))) continue;
      let free = true;
      for (const port of wanted) free &&= await this.#probes.isFree(address, port);
      if (!free) {
        this.#locks.release(address, ADMIN_PORT);
        continue;
      }
      this.#taken.add(address);
      return { address, adminPort: ADMIN_PORT, httpProxyPort: HTTP_PROXY_PORT, inbound: inbound(address, []) };
    }
    throw new Error("no address in 127.66.0.0/16 is free for another proxy; end workloads or another mesh on this machine");
  }
}
