// Requests as they come to hosts of HTTP/2: each is a stream of some connection.
import { FrameType } from "#proxy/codec/http2/frame";
import { eventually } from "../../harness/mesh.ts";
import { framesOf, greets, head, hearsFrame, OPEN, request, WHOLE, welcomes } from "./http2-peer.ts";
import type { Peer } from "./peer.ts";
import type { Stage } from "./stage.ts";

const PATIENCE_MS = 8_000;

export interface Arrived {
  readonly host: Peer;
  readonly streamId: number;
}

/** The requests of one scene. */
export class Requests {
  readonly #stage: Stage;
  readonly #welcomed = new Set<Peer>();
  readonly #seen = new Set<string>();
  /** A host that says nothing of its own accord. */
  mute = false;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** The next one, unless this holds before. */
  async nextUnless(over: () => boolean): Promise<Arrived | undefined> {
    const found = await eventually("another request or the end", PATIENCE_MS, async () => {
      const arrived = await this.#arrived();
      if (arrived !== undefined) return { arrived };
      return over() ? { arrived: undefined } : undefined;
    });
    return found.arrived;
  }

  next(): Promise<Arrived> {
    return eventually("a request at a host", PATIENCE_MS, () => this.#arrived());
  }

  async #arrived(): Promise<Arrived | undefined> {
    for (const [index, host] of this.#stage.hosts.entries()) {
      if (!this.mute && !this.#welcomed.has(host)) {
        this.#welcomed.add(host);
        await welcomes(host);
      }
      for (const { type, streamId } of framesOf(host)) {
        const name = `${index}/${streamId}`;
        if (type !== FrameType.HEADERS || this.#seen.has(name)) continue;
        this.#seen.add(name);
        return { host, streamId };
      }
    }
    return undefined;
  }
}

/** A client of HTTP/2 whose first request has come to a host. */
export async function asked(
  stage: Stage,
  { body = false, folder = "" }: { readonly body?: boolean; readonly folder?: string } = {},
): Promise<Arrived & { readonly client: Peer; readonly requests: Requests }> {
  const client = await stage.client();
  await greets(client);
  client.say(head(1, request(body ? "POST" : "GET", `/${folder}${stage.id}`), body ? OPEN : WHOLE));
  const requests = new Requests(stage);
  return { client, requests, ...(await requests.next()) };
}

/** The client hears the head of its answer. */
export const hearsHead = (client: Peer, streamId = 1): Promise<unknown> => hearsFrame(client, FrameType.HEADERS, streamId);
