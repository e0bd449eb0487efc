// The listening sockets of one proxy, on the main thread. A listener takes its sockets when it is accepted, so that a taken port is a
// reason to refuse it, listens once nothing else is missing, as Envoy does, and hands duplicates to traffic threads when it goes live.
import { isDeepStrictEqual } from "node:util";
import type { ListenAddress } from "#proxy/listener/listen-address";
import { addressText, isPipe } from "#proxy/net/socket-address";
import type { ListenOptions } from "#proxy/net/socket-option";
import { bindListenSocket } from "#proxy/net/listen-socket";
import type { ListenSocket } from "#proxy/net/listen-socket";
import type { SocketAddress } from "#proxy/net/connection";
import { BindError } from "#proxy/xds-client/resource-facts";

interface Bound {
  readonly socket: ListenSocket;
  readonly options: ListenOptions;
}

interface Owned {
  /** What the newest accepted configuration of the listener binds. */
  wanted: readonly string[];
  /** What traffic threads listen on; differs from `wanted` while an update waits. */
  live: readonly string[];
}

/** Where nobody else may listen; of port 0 each listener gets one of its own. */
export function placeOf(place: SocketAddress, listener: string): string {
  const { address, port } = place;
  return port === 0 && !isPipe(place) ? `${address} of ${listener}` : `${address} ${port}`;
}

export class ListenerSockets {
  readonly #sockets = new Map<string, Bound>();
  readonly #listeners = new Map<string, Owned>();
  /** Where they listened. */
  readonly #stopped = new Map<string, readonly SocketAddress[]>();
  #allStopped = false;

  /**
   * Binds what the listener needs and does not have. A listener in `leaving` is about to go and gives its address to this one.
   * @throws BindError; then nothing has changed
   */
  reserve(name: string, places: readonly ListenAddress[], leaving: ReadonlySet<string>): void {
    const addresses = places.map(({ address }) => address);
    if (this.#allStopped || this.#stopped.has(name)) {
      this.#stopped.set(name, addresses);
      return;
    }
    const wanted = addresses.map((address) => placeOf(address, name));
    const made: string[] = [];
    const problems: string[] = [];
    for (const { address, options } of places) {
      const key = placeOf(address, name);
      const bound = this.#sockets.get(key);
      const other = this.#ownerOf(key, name, leaving);
      if (other !== undefined) problems.push(`${addressText(address)} belongs to listener "${other}"`);
      else if (bound === undefined) {
        const result = bindListenSocket(address, options);
        if (result.ok) {
          this.#sockets.set(key, { socket: result.socket, options });
          made.push(key);
        } else problems.push(result.failure.message);
      } else if (!isDeepStrictEqual(bound.options, options))
        problems.push(`the socket options of ${addressText(address)} cannot change while it is listened on`);
    }
    if (problems.length > 0) {
      for (const key of made) this.#close(key);
      throw new BindError(`listener "${name}": ${problems.join("; ")}`);
    }
    const owned = this.#listeners.get(name);
    this.#listeners.set(name, { wanted, live: owned?.live ?? [] });
    this.#closeUnused();
  }

  /** Nothing else is missing. What cannot be listened on is told, and the listener keeps what it had. */
  listen(name: string): string | undefined {
    const owned = this.#listeners.get(name);
    if (owned === undefined) return undefined;
    const problems = owned.wanted.flatMap((key) => this.#sockets.get(key)?.socket.listen()?.message ?? []);
    if (problems.length === 0) return undefined;
    if (owned.live.length === 0) this.#listeners.delete(name);
    else owned.wanted = owned.live;
    this.#closeUnused();
    return `listener "${name}": ${problems.join("; ")}`;
  }

  /** The listener goes live: true when its addresses are not those that threads listen on already. */
  commit(name: string): boolean {
    const owned = this.#listeners.get(name);
    if (owned === undefined) return false;
    const changed = owned.wanted.join() !== owned.live.join();
    owned.live = owned.wanted;
    return changed;
  }

  /** Sockets that nobody owns any more close. Called once threads have let go of them. */
  release(name: string): void {
    this.#stopped.delete(name);
    this.#listeners.delete(name);
    this.#closeUnused();
  }

  /** Descriptors for one traffic thread, in the order of the listener's addresses. */
  duplicates(name: string): number[] {
    return (this.#listeners.get(name)?.live ?? []).flatMap((key) => this.#sockets.get(key)?.socket.duplicate() ?? []);
  }

  /** Where a live listener listens, with the port that port 0 became. */
  addresses(name: string): SocketAddress[] {
    const stopped = this.#stopped.get(name);
    if (stopped !== undefined) return [...stopped];
    return (this.#listeners.get(name)?.live ?? []).flatMap((key) => this.#sockets.get(key)?.socket.address ?? []);
  }

  /** The kernel refuses who comes from now on; threads stop by themselves. Nothing is bound again for those that are stopped. */
  stop(names: readonly string[] | "all"): void {
    if (names === "all") this.#allStopped = true;
    for (const name of names === "all" ? [...this.#listeners.keys()] : names) {
      this.#stopped.set(name, this.addresses(name));
      this.#listeners.delete(name);
    }
    this.#closeUnused();
  }

  close(): void {
    this.#listeners.clear();
    this.#closeUnused();
  }

  #ownerOf(key: string, except: string, leaving: ReadonlySet<string>): string | undefined {
    for (const [name, { wanted, live }] of this.#listeners) {
      if (name !== except && !leaving.has(name) && (wanted.includes(key) || live.includes(key))) return name;
    }
    return undefined;
  }

  #closeUnused(): void {
    const used = new Set([...this.#listeners.values()].flatMap(({ wanted, live }) => [...wanted, ...live]));
    for (const key of this.#sockets.keys()) if (!used.has(key)) this.#close(key);
  }

  #close(key: string): void {
    this.#sockets.get(key)?.socket.close();
    this.#sockets.delete(key);
  }
}
