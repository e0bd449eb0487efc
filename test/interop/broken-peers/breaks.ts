// The ways to break off a connection, and how far buffers go.
import type { Peer } from "./peer.ts";
import type { Difference, Scene, Stage } from "./stage.ts";

export type Break = "ends its half" | "closes" | "resets";
const BREAKS: readonly Break[] = ["ends its half", "closes", "resets"];

export function breaks(peer: Peer, how: Break): void {
  if (how === "ends its half") peer.end();
  else if (how === "closes") peer.close();
  else peer.reset();
}

/** Every way to break off in one phase. */
export function inPhase(
  phase: string,
  play: (stage: Stage, how: Break) => Promise<void>,
  { large = false, different }: { readonly large?: boolean; readonly different?: Partial<Record<Break, Difference>> } = {},
): readonly Scene[] {
  return BREAKS.map((how) => {
    const why = different?.[how];
    return { what: `${phase} ${how}`, large, ...(why === undefined ? {} : { different: why }), play: (stage) => play(stage, how) };
  });
}

const MEGABYTE = Buffer.alloc(1 << 20, "x");
const STUCK_MS = 100;
const MOST_MEGABYTES = 200;

/** Says as much as is taken: the one for whom it is does not read, so that this ends with full buffers all the way. */
export async function fill(from: Peer): Promise<void> {
  let before = -1;
  for (let said = 0; said < MOST_MEGABYTES;) {
    const { socket } = from;
    if (socket.writableLength === 0) {
      from.say(MEGABYTE);
      said++;
    }
    await new Promise((done) => setTimeout(done, socket.writableLength === 0 ? 0 : STUCK_MS));
    if (socket.writableLength > 0 && socket.writableLength === before) return;
    before = socket.writableLength;
  }
  throw new Error(`${MOST_MEGABYTES} MB went through to somebody who does not read`);
}
