// Resources of one type from a file that holds a DiscoveryResponse, as Envoy's filesystem subscriptions: read at the start and whenever
// something is moved to its name, or to any name in a watched directory. A file that cannot be used is refused; what was there stays.
import { watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, extname } from "node:path";
import { create, createRegistry } from "@bufbuild/protobuf";
import { decodeMessage } from "#envoy/decode";
import { DiscoveryResponseSchema } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import type { DeltaDiscoveryResponse, DiscoveryResponse } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { file_envoy_service_discovery_v3_discovery } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { file_envoy_service_runtime_v3_rtds } from "#envoy/gen/envoy/service/runtime/v3/rtds_pb";
import { configRegistry } from "#envoy/config-registry";
import { MessageText } from "#proxy/message-text";
import type { PathSource } from "#proxy/resource-source";
import type { Log } from "#runtime/log";
import { CompleteSets } from "./state-of-the-world.ts";

const registry = createRegistry(configRegistry, file_envoy_service_discovery_v3_discovery, file_envoy_service_runtime_v3_rtds);

export interface FileSubscriptionOptions {
  readonly source: PathSource;
  readonly type: string;
  readonly log: Log;
  /** As DiscoveryStream's: what was refused. */
  readonly onResponse: (response: DeltaDiscoveryResponse) => Promise<string | undefined>;
  /** The file could not be read as a response. */
  readonly onUnreadable: () => void;
}

export class FileSubscription {
  readonly #options: FileSubscriptionOptions;
  readonly #sets = new CompleteSets();
  readonly #watchers: FSWatcher[] = [];
  /** Readings follow each other, so that the newest content is taken last. */
  #reading: Promise<void> = Promise.resolve();
  #names: ReadonlySet<string> | undefined;
  #newest: DiscoveryResponse | undefined;
  #closed = false;

  constructor(options: FileSubscriptionOptions) {
    this.#options = options;
  }

  start(): void {
    const { path, watchedDirectory } = this.#options.source;
    // A directory that is itself moved is seen through the file's own directory.
    if (watchedDirectory === undefined) this.#watch(dirname(path), basename(path));
    else this.#watch(watchedDirectory, undefined);
    this.#read();
  }

  /** Of types that are asked for by name: those alone are taken. */
  want(names: ReadonlySet<string>): void {
    const known = this.#names;
    const more = [...names].some((name) => known?.has(name) !== true);
    this.#names = new Set(names);
    if (more && this.#newest !== undefined) this.#after(() => this.#take());
  }

  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers) watcher.close();
  }

  #watch(directory: string, name: string | undefined): void {
    try {
      const watcher = watch(directory, { persistent: false }, (event, changed) => {
        // A file that is written in place is not read: half of it would be.
        if (event === "rename" && (name === undefined || changed === name)) this.#read();
      });
      watcher.on("error", (error) => this.#options.log.warn("a directory is not watched any more", { directory, error: String(error) }));
      this.#watchers.push(watcher);
    } catch (error) {
      this.#options.log.warn("a directory cannot be watched", { directory, error: String(error) });
    }
  }

  #read(): void {
    this.#after(async () => {
      const { path } = this.#options.source;
      const bytes = await readFile(path);
      const response = extname(path) === ".pb" ? decodeMessage(DiscoveryResponseSchema, bytes) : parseText(path, bytes.toString());
      this.#newest = response;
      await this.#take();
    });
  }

  #after(step: () => Promise<void>): void {
    this.#reading = this.#reading.then(async () => {
      if (this.#closed) return;
      try {
        await step();
      } catch (error) {
        this.#options.onUnreadable();
        this.#options.log.warn("a file with resources is refused; the last good ones stay", { reason: reasonOf(error) });
      }
    });
  }

  async #take(): Promise<void> {
    if (this.#newest === undefined) return;
    const { type, log, onResponse, source } = this.#options;
    const response = this.#sets.asDelta(create(DiscoveryResponseSchema, { ...this.#newest, typeUrl: type }));
    const names = this.#names;
    if (names !== undefined) response.resources = response.resources.filter(({ name }) => names.has(name));
    const refused = await onResponse(response);
    if (refused !== undefined && refused !== "") log.warn("resources of a file are refused", { file: source.path, reason: refused });
  }
}

function parseText(path: string, text: string): DiscoveryResponse {
  return new MessageText(path, text).read(DiscoveryResponseSchema, registry);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
