// The mirrors of one request: who gets a copy, and what is kept of the body until it is whole.
import type { RequestHeaderMap, TrailerMap } from "#proxy/http/header-map";
import type { TerminalStream } from "#proxy/http/terminal-filter";
import type { MirrorPolicy } from "#proxy/route/mirror-policy";
import { RetryBody } from "./retry-body.ts";
import { sendShadow } from "./shadow-request.ts";

export class Mirroring {
  readonly #stream: TerminalStream;
  readonly #policies: readonly MirrorPolicy[];
  readonly #body: RetryBody;

  private constructor(stream: TerminalStream, policies: readonly MirrorPolicy[]) {
    this.#stream = stream;
    this.#policies = policies;
    this.#body = new RetryBody(stream.bufferLimitBytes);
  }

  /** undefined: this request is not copied. A tunnel has no end at which it could be. */
  static of(policies: readonly MirrorPolicy[], stream: TerminalStream, headers: RequestHeaderMap): Mirroring | undefined {
    if (headers.upgrade !== undefined || headers.method === "CONNECT") return undefined;
    const { randomValue } = stream.routeInput;
    const chosen = policies.filter(({ share }) => randomValue < share);
    return chosen.length === 0 ? undefined : new Mirroring(stream, chosen);
  }

  /** False: the body is larger than what may be kept, and cannot be copied. */
  keep(chunk: Uint8Array): boolean {
    return this.#body.push(chunk);
  }

  /** The request is whole. */
  send(headers: RequestHeaderMap, trailers: TrailerMap | undefined, timeoutMs: number): void {
    for (const policy of this.#policies) {
      const name = policy.cluster(headers);
      const target = name === undefined ? undefined : this.#stream.thread.clusters.get(name);
      if (target === undefined) continue;
      sendShadow(this.#stream, target, { headers, trailers, body: this.#body.pieces(), marksHost: policy.marksHost, timeoutMs });
    }
  }
}
