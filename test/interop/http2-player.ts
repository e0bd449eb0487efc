// Plays a sequence of frames to a server and says what came of it, in the words of the table.
import { connect } from "node:net";
import { ErrorCode } from "#proxy/codec/http2/error-code";
import { FrameType } from "#proxy/codec/http2/frame";
import { END_STREAM, headers, hello, readFrames } from "#proxy/codec/http2/frames.fake";
import type { Sequence } from "./http2-sequences.ts";

/** The request behind the sequence, which is answered when nothing happened to the connection. */
const PROBE = 1001;
/** Between steps, for what the server may say to the one before. */
const STEP_MS = 60;
/** Behind a GOAWAY, when the connection is not closed; without one the request behind the sequence is answered, on a busy machine later. */
const QUIET_MS = 1500;
const SILENT_MS = 10_000;
const NAMES = new Map<number, string>(Object.entries(ErrorCode).map(([name, code]) => [code, name]));

/** As in the table, or `closed` (without GOAWAY), or `silent`: the request behind it was not answered. */
export function play(port: number, sequence: Sequence): Promise<string> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    let received: Buffer = Buffer.alloc(0);
    let over = false;
    const steps = [...sequence.steps, headers(PROBE)];
    let timer = setTimeout(() => {}, 0);
    const finish = (closed: boolean): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      socket.destroy();
      done(outcomeOf(received, closed));
    };
    const next = (): void => {
      const step = steps.shift();
      if (over || step === undefined) return;
      socket.write(step);
      timer = steps.length > 0 ? setTimeout(next, STEP_MS) : setTimeout(whenQuiet, QUIET_MS);
    };
    const whenQuiet = (): void => {
      if (readFrames(received).some(({ type }) => type === FrameType.GOAWAY)) finish(false);
      else timer = setTimeout(() => finish(false), SILENT_MS - QUIET_MS);
    };
    socket.setNoDelay(true);
    socket.on("connect", () => {
      socket.write(hello());
      next();
    });
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (
        readFrames(received).some(
          (frame) => frame.streamId === PROBE && (frame.flags & END_STREAM) !== 0 && frame.type <= FrameType.HEADERS,
        )
      )
        finish(false);
    });
    for (const event of ["end", "close", "error"]) socket.on(event, () => finish(true));
  });
}

function outcomeOf(received: Buffer, closed: boolean): string {
  const frames = readFrames(received);
  const goaway = frames.find((frame) => frame.type === FrameType.GOAWAY);
  if (goaway !== undefined) return `connection ${NAMES.get(goaway.payload.readUInt32BE(4))}`;
  if (closed) return "closed";
  const reset = frames.find((frame) => frame.type === FrameType.RST_STREAM && frame.payload.readUInt32BE(0) !== ErrorCode.NO_ERROR);
  if (reset !== undefined) return `stream ${NAMES.get(reset.payload.readUInt32BE(0))}`;
  return frames.some((frame) => frame.streamId === PROBE) ? "served" : "silent";
}
