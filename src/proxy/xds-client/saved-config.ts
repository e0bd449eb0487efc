// The last good configuration of one proxy on disk: a restarted data plane serves at once, before any control plane answers, and resumes
// the stream by version. One file: a line with a checksum, then a DeltaDiscoveryResponse with every resource. A file that is broken is
// ignored; it is a cache of what the control plane will say again.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { decodeMessage } from "#envoy/decode";
import { DeltaDiscoveryResponseSchema, ResourceSchema } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { anyOf } from "#envoy/any";
import type { Clock, Timer } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { IncomingResource } from "./response-result.ts";

const MAGIC = "mizzen-saved-config-1";
const DEBOUNCE_MS = 200;

export type SavedResources = ReadonlyMap<string, readonly IncomingResource[]>;

export interface SavedConfigOptions {
  readonly directory: string;
  readonly nodeId: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly collect: () => SavedResources;
}

/** A file name for a node id: readable, and different for different ids. */
export function savedConfigFile(directory: string, nodeId: string): string {
  const digest = createHash("sha256").update(nodeId).digest("hex").slice(0, 8);
  return join(directory, `${nodeId.replaceAll(/[^\w.-]+/g, "_").slice(0, 150)}-${digest}.xds`);
}

export class SavedConfig {
  readonly #options: SavedConfigOptions;
  readonly #file: string;
  #timer: Timer | undefined;
  #last = "";

  constructor(options: SavedConfigOptions) {
    this.#options = options;
    this.#file = savedConfigFile(options.directory, options.nodeId);
  }

  /** Undefined when there is none, or none that can be read. */
  load(): SavedResources | undefined {
    let content: Buffer;
    try {
      content = readFileSync(this.#file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT")
        this.#options.log.warn("saved configuration cannot be read", { error: String(error) });
      return undefined;
    }
    const resources = decodeSavedConfig(content);
    if (resources === undefined) this.#options.log.warn("saved configuration is damaged and not used", { file: this.#file });
    return resources;
  }

  /** Soon: changes in a row are written once. */
  schedule(): void {
    this.#timer ??= this.#options.clock.setTimer(DEBOUNCE_MS, () => this.flush(), true);
  }

  /** Now. A disk that is full or not there costs the cache, not the traffic. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const content = encodeSavedConfig(this.#options.collect());
    const digest = createHash("sha256").update(content).digest("hex");
    if (digest === this.#last) return;
    try {
      mkdirSync(this.#options.directory, { recursive: true, mode: 0o700 });
      const temporary = `${this.#file}.tmp`;
      writeFileSync(temporary, content, { mode: 0o600 });
      renameSync(temporary, this.#file);
      this.#last = digest;
    } catch (error) {
      this.#options.log.warn("configuration cannot be saved", { file: this.#file, error: String(error) });
    }
  }

  close(): void {
    if (this.#timer !== undefined) this.flush();
  }
}

export function encodeSavedConfig(resources: SavedResources): Uint8Array {
  const all = [...resources].flatMap(([type, list]) =>
    list.map(({ name, version, bytes }) => create(ResourceSchema, { name, version, resource: anyOf(type, bytes) })),
  );
  const body = toBinary(DeltaDiscoveryResponseSchema, create(DeltaDiscoveryResponseSchema, { resources: all }));
  const head = `${MAGIC} ${createHash("sha256").update(body).digest("hex")}\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

/** Undefined for anything that `encodeSavedConfig` did not write. */
export function decodeSavedConfig(content: Uint8Array): SavedResources | undefined {
  const buffer = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const newline = buffer.indexOf(10);
  if (newline < 0 || newline > 200) return undefined;
  const body = buffer.subarray(newline + 1);
  const head = `${MAGIC} ${createHash("sha256").update(body).digest("hex")}`;
  if (buffer.toString("latin1", 0, newline) !== head) return undefined;
  const resources = new Map<string, IncomingResource[]>();
  for (const { name, version, resource } of decodeMessage(DeltaDiscoveryResponseSchema, body).resources) {
    if (resource === undefined) continue;
    const list = resources.get(resource.typeUrl) ?? [];
    list.push({ name, version, bytes: new Uint8Array(resource.value) });
    resources.set(resource.typeUrl, list);
  }
  return resources;
}
