// The runtime layers of one proxy, on its main thread: they are put together anew whenever one of them changes, and handed on as a whole.
import { join } from "node:path";
import type { FSWatcher } from "node:fs";
import type { Log } from "#runtime/log";
import type { StatsScope } from "#telemetry/stats/store";
import { readDirectory, watchLink } from "./disk-layer.ts";
import { keysOfOthers } from "./known-keys.ts";
import type { DiskLayerConfig, RuntimeLayerConfig } from "./layered-runtime-config.ts";
import { CurrentRuntime } from "./runtime.ts";
import type { Runtime, RuntimeValues } from "./runtime.ts";
import { RuntimeStats } from "./runtime-stats.ts";
import { runtimeValueOfText } from "./runtime-text.ts";

export interface LayeredRuntimeOptions {
  readonly layers: readonly RuntimeLayerConfig[];
  /** The node's `cluster`. */
  readonly serviceCluster: string;
  readonly stats: StatsScope;
  readonly log: Log;
  /** Not of what there is at the start. */
  readonly onChange: (values: RuntimeValues) => void;
}

export interface LayerValues {
  readonly name: string;
  readonly values: RuntimeValues;
}

const NOTHING: RuntimeValues = new Map();

export class LayeredRuntime {
  readonly #options: LayeredRuntimeOptions;
  readonly #stats: RuntimeStats;
  readonly #watchers: FSWatcher[] = [];
  #ofAdmin: RuntimeValues = NOTHING;
  /** Of Runtime resources, by the layer's name. */
  readonly #ofResources = new Map<string, RuntimeValues>();
  #layers: readonly LayerValues[] = [];
  #values: RuntimeValues = NOTHING;
  readonly #current = new CurrentRuntime();
  readonly #warned = new Set<string>();

  constructor(options: LayeredRuntimeOptions) {
    this.#options = options;
    this.#stats = new RuntimeStats(options.stats);
    this.#put();
    const links = options.layers.flatMap((layer) => (layer.kind === "disk" ? [layer.symlinkRoot] : []));
    for (const link of new Set(links)) this.#watch(link);
  }

  /** For what the main thread decides itself. */
  get current(): Runtime {
    return this.#current;
  }

  /** For each key what counts. */
  get values(): RuntimeValues {
    return this.#values;
  }

  /** Those that are in force: a directory that is not there, or cannot be read, is none. */
  get layers(): readonly LayerValues[] {
    return this.#layers;
  }

  /** An empty text takes a key out of the admin layer. All or nothing. @throws Error that says what is wrong */
  modify(changes: ReadonlyMap<string, string>): void {
    if (!this.#options.layers.some(({ kind }) => kind === "admin")) throw new Error("No admin layer specified");
    const values = new Map(this.#ofAdmin);
    for (const [key, text] of changes) {
      if (text === "") values.delete(key);
      else values.set(key, runtimeValueOfText(text));
    }
    this.#ofAdmin = values;
    this.#stats.adminOverridesActive.set(values.size === 0 ? 0 : 1);
    this.#reload();
  }

  /** What a Runtime resource says for the layer that it is; undefined: it is gone. */
  setResource(layer: string, values: RuntimeValues | undefined): void {
    this.#ofResources.set(layer, values ?? NOTHING);
    this.#reload();
  }

  close(): void {
    for (const watcher of this.#watchers) watcher.close();
  }

  #reload(): void {
    this.#put();
    this.#options.onChange(this.#values);
  }

  #put(): void {
    const { layers } = this.#options;
    const stats = this.#stats;
    const inForce: LayerValues[] = [];
    let [directories, failed] = [0, 0];
    for (const layer of layers) {
      const { name } = layer;
      switch (layer.kind) {
        case "static":
          inForce.push({ name, values: layer.values });
          break;
        case "admin":
          inForce.push({ name, values: this.#ofAdmin });
          break;
        case "rtds":
          inForce.push({ name, values: this.#ofResources.get(name) ?? NOTHING });
          break;
        case "disk": {
          const read = this.#read(layer);
          if (read === "failed") failed++;
          else if (read !== undefined) {
            directories++;
            inForce.push({ name, values: read });
          }
          break;
        }
        default:
          layer satisfies never;
      }
    }
    this.#layers = inForce;
    this.#values = new Map(inForce.flatMap(({ values }) => [...values]));
    this.#current.set(this.#values);
    stats.numLayers.set(inForce.length);
    stats.numKeys.set(this.#values.size);
    (failed === 0 ? stats.loadSuccess : stats.loadError).inc();
    (directories > 1 ? stats.overrideDirExists : stats.overrideDirNotExists).inc();
    this.#warn();
  }

  #read({ name, symlinkRoot, subdirectory, appendServiceCluster }: DiskLayerConfig): RuntimeValues | "failed" | undefined {
    const { serviceCluster, log } = this.#options;
    try {
      return readDirectory(join(symlinkRoot, subdirectory, appendServiceCluster ? serviceCluster : ""));
    } catch (error) {
      log.warn("a runtime layer is left out", { layer: name, error: String(error) });
      return "failed";
    }
  }

  /** Nothing that is set goes by in silence: what cannot have an effect is named, once. */
  #warn(): void {
    for (const key of keysOfOthers(this.#values.keys())) {
      if (this.#warned.has(key)) continue;
      this.#warned.add(key);
      this.#options.log.warn("a runtime key has an effect only where the configuration names it: this proxy has no such key of its own", {
        key,
      });
    }
  }

  #watch(link: string): void {
    const onError = (error: unknown): void =>
      this.#options.log.warn("a directory with runtime values is not watched", { link, error: String(error) });
    try {
      this.#watchers.push(watchLink(link, () => this.#reload(), onError));
    } catch (error) {
      onError(error);
    }
  }
}
