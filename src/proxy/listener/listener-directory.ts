// The listeners of one proxy on one thread, by name and by the addresses that they own, bound or not.
import type { SocketAddress } from "#proxy/net/connection";
import type { ActiveListener } from "./active-listener.ts";

export class ListenerDirectory {
  readonly #byName = new Map<string, ActiveListener>();
  #byAddress: Map<string, ActiveListener> | undefined;

  get(name: string): ActiveListener | undefined {
    return this.#byName.get(name);
  }

  /** Also after the listener got another configuration. */
  set(name: string, listener: ActiveListener): void {
    this.#byName.set(name, listener);
    this.#byAddress = undefined;
  }

  delete(name: string): void {
    this.#byName.delete(name);
    this.#byAddress = undefined;
  }

  names(): string[] {
    return [...this.#byName.keys()];
  }

  /** The owner of exactly this address, else of all addresses of its family and port, as Envoy looks listeners up. */
  at({ address, port }: SocketAddress): ActiveListener | undefined {
    const index = (this.#byAddress ??= this.#index());
    const exact = index.get(`${address} ${port}`);
    if (exact !== undefined) return exact;
    const any = index.get(`:: ${port}`);
    return address.includes(":") ? any : (index.get(`0.0.0.0 ${port}`) ?? any);
  }

  #index(): Map<string, ActiveListener> {
    const index = new Map<string, ActiveListener>();
    for (const listener of this.#byName.values()) {
      for (const { address, port } of listener.config.addresses) index.set(`${address} ${port}`, listener);
    }
    return index;
  }
}
