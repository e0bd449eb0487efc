// Where secrets come from beside the ADS stream: the bootstrap, files, servers of their own. Who asks for a secret is told apart by
// SecretNeed.key, because two servers may have one of the same name.
import type { Node } from "#envoy/gen/envoy/config/core/v3/base_pb";
import { SECRET_TYPE } from "#envoy/type-urls";
import type { PathSource } from "#proxy/resource-source";
import type { SecretNeed } from "#proxy/transport-socket/secret";
import type { Clock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import type { ConfigState } from "./config-state.ts";
import { FileSubscription } from "./file-subscription.ts";
import { SecretStream } from "./secret-stream.ts";
import { takeStatic } from "./static-resources.ts";
import type { StaticResources } from "./static-resources.ts";

export interface SecretSourcesOptions {
  readonly state: ConfigState;
  readonly node: Node;
  readonly staticResources: StaticResources;
  readonly servers: ReadonlyMap<string, readonly string[]>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export class SecretSources {
  readonly #options: SecretSourcesOptions;
  readonly #open = new Map<string, { close(): void }>();

  constructor(options: SecretSourcesOptions) {
    this.#options = options;
  }

  /** Opens and closes what is needed, and no more. @returns the names to ask the ADS stream for */
  want(needs: ReadonlyMap<string, SecretNeed>): Set<string> {
    const fromAds = new Set<string>();
    for (const { key, name, server } of needs.values()) {
      if (server.kind === "ads") fromAds.add(name);
      else if (server.kind === "static") this.#takeStatic(key, name);
      else if (this.#open.has(key)) continue;
      else if (server.kind === "path") this.#read(key, name, server);
      else this.#ask(key, name, server.name);
    }
    for (const [key, source] of this.#open) {
      if (needs.has(key)) continue;
      source.close();
      this.#open.delete(key);
    }
    return fromAds;
  }

  close(): void {
    for (const source of this.#open.values()) source.close();
    this.#open.clear();
  }

  #takeStatic(key: string, name: string): void {
    const { state, staticResources, log } = this.#options;
    const secret = staticResources.secrets.get(name);
    if (secret === undefined || state.secrets.get(key) !== undefined) return;
    takeStatic(state, SECRET_TYPE, [{ ...secret, name: key }], log);
  }

  #read(key: string, name: string, source: PathSource): void {
    const file = new FileSubscription({
      source,
      type: SECRET_TYPE,
      log: this.#options.log,
      onUnreadable: () => {},
      onResponse: async ({ resources }) => {
        const found = resources.find((resource) => resource.name === name);
        if (found?.resource === undefined) return `there is no secret "${name}"`;
        return this.#receive(key, found.version, found.resource.value);
      },
    });
    this.#open.set(key, file);
    file.start();
  }

  #ask(key: string, secretName: string, cluster: string): void {
    const { servers, node, clock, random, log } = this.#options;
    const target = servers.get(cluster)?.[0];
    // A resource that asks an unknown server was refused.
    if (target === undefined) return;
    const stream = new SecretStream({
      target,
      secretName,
      node,
      clock,
      random,
      log,
      onSecret: (bytes, version) => this.#receive(key, version, bytes),
    });
    this.#open.set(key, stream);
    stream.start();
  }

  async #receive(key: string, version: string, bytes: Uint8Array): Promise<string> {
    const { refused, live } = this.#options.state.receive(SECRET_TYPE, [{ name: key, version, bytes }], []);
    return [...refused, ...(await live)].join("; ");
  }
}
