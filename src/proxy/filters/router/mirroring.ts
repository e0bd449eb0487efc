// The mirrors of one request: who gets a copy. The copies go along with the request.
import type { RequestHeaderMap, TrailerMap } from "#proxy/http/header-map";
import type { TerminalStream } from "#proxy/http/terminal-filter";
import { shareNow } from "#proxy/runtime/runtime-fields";
import type { RouteEntry } from "#proxy/route/route";
import { ShadowRequest } from "./shadow-request.ts";

export class Mirroring {
  readonly #shadows: readonly ShadowRequest[];

  private constructor(shadows: readonly ShadowRequest[]) {
    this.#shadows = shadows;
  }

  /** undefined: this request is not copied. A tunnel has no end at which a copy could be told from it. `complete`: it has no body. */
  static start(
    { mirrors, priority }: RouteEntry,
    stream: TerminalStream,
    headers: RequestHeaderMap,
    timeoutMs: number,
    complete: boolean,
  ): Mirroring | undefined {
    if (mirrors === undefined || headers.upgrade !== undefined || headers.method === "CONNECT") return undefined;
    const { randomValue, runtime } = stream.routeInput;
    const shadows: ShadowRequest[] = [];
    for (const policy of mirrors) {
      if (randomValue >= shareNow(policy.share, runtime)) continue;
      const name = policy.cluster(headers);
      const cluster = name === undefined ? undefined : stream.thread.clusters.get(name);
      if (cluster === undefined) continue;
      const shadow = new ShadowRequest(stream, { headers, marksHost: policy.marksHost, priority, timeoutMs });
      shadow.start(cluster, complete);
      shadows.push(shadow);
    }
    return shadows.length === 0 || complete ? undefined : new Mirroring(shadows);
  }

  sendData(chunk: Uint8Array, endStream: boolean): void {
    for (const shadow of this.#shadows) shadow.sendData(chunk, endStream);
  }

  sendTrailers(trailers: TrailerMap): void {
    for (const shadow of this.#shadows) shadow.sendTrailers(trailers);
  }

  /** The request ends before it was whole. */
  cancel(): void {
    for (const shadow of this.#shadows) shadow.cancel();
  }
}
