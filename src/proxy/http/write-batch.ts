// Joins what is written while one event is handled into one system call per connection: a head and its body usually come from the same
// read of the other side, but in two calls. Whoever hands events in (a codec connection's read, a finished connect) opens a batch;
// outside of any batch writes leave at once. One per thread: a thread handles one event at a time.

// A connection that carries many streams waits longer, for the end of the event loop's turn: answers to its streams come from as many
// other connections, each in an event of its own.
import { enterEvent, leaveEvent } from "#runtime/clock";

export interface BatchedWriter {
  /** Writes what waits. Must not call back. */
  flush(): void;
}

let depth = 0;
let waiting: BatchedWriter[] = [];

export function enterBatch(): void {
  if (depth++ === 0) enterEvent();
}

/** Lent bytes that one batch writes are there until it ends; in a batch within another one they may be gone by then. */
export function isOuterBatch(): boolean {
  return depth === 1;
}

/** Call in a `finally`: a batch that never ends would hold all writes of the thread. */
export function leaveBatch(): void {
  if (--depth > 0) return;
  leaveEvent();
  if (waiting.length === 0) return;
  const writers = waiting;
  waiting = [];
  for (let i = 0; i < writers.length; i++) writers[i]!.flush();
}

let ofTurn: BatchedWriter[] = [];

/** What the event loop does; a test does it where it looks at what was written. */
export function endTurn(): void {
  const writers = ofTurn;
  ofTurn = [];
  for (let i = 0; i < writers.length; i++) writers[i]!.flush();
}

/** Has a writer write when all events that are due now have been handled: once per turn. */
export function enlistForTurn(writer: BatchedWriter): void {
  if (ofTurn.length === 0) setImmediate(endTurn);
  ofTurn.push(writer);
}

/** Puts a writer on the list once per batch; false outside of a batch: write now. */
export function enlist(writer: BatchedWriter): boolean {
  if (depth === 0) return false;
  waiting.push(writer);
  return true;
}
