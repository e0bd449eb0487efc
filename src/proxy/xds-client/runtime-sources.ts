// Runtime layers that somebody serves (RTDS): one resource a layer, over the ADS stream, a stream of their own, or from a file. As in Envoy,
// nothing else is asked for or served until each of them has been answered once, or has been waited for long enough.
import { fromBinary } from "@bufbuild/protobuf";
import { RuntimeSchema } from "#envoy/gen/envoy/service/runtime/v3/rtds_pb";
import type { DeltaDiscoveryResponse } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { RUNTIME_TYPE } from "#envoy/type-urls";
import type { RtdsLayerConfig } from "#proxy/runtime/layered-runtime-config";
import type { RuntimeValues } from "#proxy/runtime/runtime";
import { flattenStruct } from "#proxy/runtime/struct-layer";
import type { GrpcSource, PathSource } from "#proxy/resource-source";
import { sourceKey } from "#proxy/resource-source";
import type { Clock, Timer } from "#runtime/clock";
import { DeltaSubscription } from "./delta-subscription.ts";

/** Who serves layers beside the ADS stream. */
export interface RuntimeServer {
  want(names: ReadonlySet<string>): void;
  close(): void;
}

export interface RuntimeSourcesOptions {
  readonly layers: readonly RtdsLayerConfig[];
  /** Undefined: the resource is gone. */
  readonly setLayer: (layer: string, values: RuntimeValues | undefined) => void;
  readonly open: (source: GrpcSource | PathSource) => RuntimeServer;
  /** The start goes on without it: it did not come in time, or who serves it does not have it. */
  readonly onMissing: (layer: string, cause: "timeout" | "absent") => void;
  readonly clock: Clock;
}

export class RuntimeSources {
  readonly #options: RuntimeSourcesOptions;
  /** Of the layers that the ADS stream serves. */
  readonly subscription = new DeltaSubscription(RUNTIME_TYPE, false);
  readonly #servers: RuntimeServer[] = [];
  /** By the layer's name. */
  readonly #waiting = new Map<string, Timer | undefined>();
  #onReady: (() => void) | undefined;

  constructor(options: RuntimeSourcesOptions) {
    this.#options = options;
    this.subscription.want(new Set(options.layers.filter(({ source }) => source.kind === "ads").map(({ resource }) => resource)));
  }

  /** The layers that the start waits for. */
  get missing(): string[] {
    return [...this.#waiting.keys()];
  }

  /** `onReady`: at once where nobody serves a layer. */
  start(onReady: () => void): void {
    const { layers, clock, open } = this.#options;
    this.#onReady = onReady;
    for (const { name, initialFetchTimeoutMs: ms } of layers) {
      const onTimeout = (): void => {
        this.#options.onMissing(name, "timeout");
        this.#answered([name]);
      };
      this.#waiting.set(name, ms === 0 ? undefined : clock.setTimer(ms, onTimeout, true));
    }
    const sources = new Map(layers.flatMap(({ source }) => (source.kind === "ads" ? [] : [[sourceKey(source), source]])));
    for (const [key, source] of sources) {
      const server = open(source);
      this.#servers.push(server);
      server.want(new Set(layers.filter((layer) => sourceKey(layer.source) === key).map(({ resource }) => resource)));
    }
    this.#answered([]);
  }

  /** @returns what is refused, and whether anything was taken over */
  receive({ resources, removedResources }: DeltaDiscoveryResponse): { readonly refused: readonly string[]; readonly changed: boolean } {
    const refused: string[] = [];
    const answered: string[] = [];
    let changed = false;
    for (const { name, version, resource } of resources) {
      const layers = this.#layersOf(name);
      answered.push(...layers);
      const problems = layers.length === 0 ? [`there is no runtime layer "${name}"`] : [];
      const values = resource?.typeUrl === RUNTIME_TYPE ? valuesOf(resource.value, problems) : undefined;
      if (values === undefined && problems.length === 0) problems.push(`resource "${name}" is not a Runtime`);
      if (problems.length > 0) {
        refused.push(...problems);
        continue;
      }
      changed = true;
      this.subscription.accepted(name, version);
      for (const layer of layers) this.#options.setLayer(layer, values);
    }
    for (const name of removedResources) {
      this.subscription.removed(name);
      for (const layer of this.#layersOf(name)) {
        changed = true;
        answered.push(layer);
        this.#options.setLayer(layer, undefined);
      }
    }
    this.#answered(answered);
    return { refused, changed };
  }

  /** Whatever this one said, or that it cannot be read: nobody waits for its layers any longer. */
  heard(source: PathSource): void {
    const key = sourceKey(source);
    for (const { name, source: own } of this.#options.layers) {
      if (sourceKey(own) !== key || !this.#waiting.has(name)) continue;
      this.#options.onMissing(name, "absent");
      this.#answered([name]);
    }
  }

  close(): void {
    this.#onReady = undefined;
    for (const server of this.#servers) server.close();
    for (const timer of this.#waiting.values()) timer?.cancel();
    this.#waiting.clear();
  }

  #layersOf(resource: string): string[] {
    return this.#options.layers.filter((layer) => layer.resource === resource).map(({ name }) => name);
  }

  #answered(layers: readonly string[]): void {
    for (const layer of layers) {
      this.#waiting.get(layer)?.cancel();
      this.#waiting.delete(layer);
    }
    if (this.#waiting.size > 0) return;
    const onReady = this.#onReady;
    this.#onReady = undefined;
    onReady?.();
  }
}

function valuesOf(bytes: Uint8Array, problems: string[]): RuntimeValues | undefined {
  try {
    const { layer = {} } = fromBinary(RuntimeSchema, bytes);
    return flattenStruct(layer, (key, message) => problems.push(`layer["${key}"]: ${message}`));
  } catch (error) {
    problems.push(`is not a valid Runtime: ${String(error)}`);
    return undefined;
  }
}
