// Peers that reset while nobody reads from them. libuv asks the kernel nothing about a handle that is neither read nor written, so that
// a reset would be found only when reading goes on, which for a host that takes no body is never. One poll(2) for all of a thread, now
// and then, and only while there are some. Linux; nothing elsewhere.
import { platform } from "node:process";
import koffi from "koffi";
import type { Clock, Timer } from "#runtime/clock";

export interface PausedPeer {
  readonly fd: number;
  onPeerReset(): void;
}

const POLL_MS = 200;

// <poll.h>: of `struct pollfd { int fd; short events; short revents; }`.
const ENTRY_BYTES = 8;
const FOUND = 6;
/** Told whether it is asked for or not. */
const POLLERR = 0x8;

type Poll = (entries: Buffer, count: number, timeoutMs: number) => number;

let poll: Poll | undefined;

const byClock = new WeakMap<Clock, PausedPeers>();

export class PausedPeers {
  readonly #clock: Clock;
  readonly #peers = new Set<PausedPeer>();
  #timer: Timer | undefined;

  private constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Those of a thread: its connections have one clock. */
  static of(clock: Clock): PausedPeers {
    let peers = byClock.get(clock);
    if (peers === undefined) byClock.set(clock, (peers = new PausedPeers(clock)));
    return peers;
  }

  add(peer: PausedPeer): void {
    if (platform !== "linux") return;
    this.#peers.add(peer);
    this.#wait();
  }

  delete(peer: PausedPeer): void {
    this.#peers.delete(peer);
  }

  #look(): void {
    this.#timer = undefined;
    const peers = [...this.#peers].filter(({ fd }) => fd >= 0);
    if (peers.length === 0) return;
    const entries = Buffer.alloc(peers.length * ENTRY_BYTES);
    for (const [index, { fd }] of peers.entries()) entries.writeInt32LE(fd, index * ENTRY_BYTES);
    poll ??= koffi.load("libc.so.6").func("int poll(_Inout_ void *, unsigned long, int)") as Poll;
    if (poll(entries, peers.length, 0) > 0) {
      for (const [index, peer] of peers.entries()) {
        const found = entries.readInt16LE(index * ENTRY_BYTES + FOUND);
        // Those before it may have closed it.
        if ((found & POLLERR) !== 0 && this.#peers.has(peer)) peer.onPeerReset();
      }
    }
    if (this.#peers.size > 0) this.#wait();
  }

  #wait(): void {
    if (this.#timer === undefined) this.#timer = this.#clock.setTimer(POLL_MS, () => this.#look(), true);
  }
}
