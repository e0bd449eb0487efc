// As much of RFC 6455 section 5.2 as an echo of unfragmented binary messages below 64 KB needs.

export interface Frame {
  readonly payload: Buffer;
  readonly mask: Buffer | undefined;
}

/** A masked frame, as a client sends it. */
export function clientFrame(payload: Buffer, mask: Buffer): Buffer {
  const head = Buffer.from([0x82, 0xfe, payload.length >> 8, payload.length & 0xff, ...mask]);
  return Buffer.concat([head, masked(payload, mask)]);
}

/** What a server answers: the same message without a mask. */
export function echoOf({ payload, mask }: Frame): Buffer {
  const head = Buffer.from([0x82, 0x7e, payload.length >> 8, payload.length & 0xff]);
  return Buffer.concat([head, mask === undefined ? payload : masked(payload, mask)]);
}

/** The whole frames at the beginning of `bytes`. @throws Error for what such an echo never sends */
export function takeFrames(bytes: Buffer): { frames: Frame[]; left: Buffer } {
  const frames: Frame[] = [];
  let at = 0;
  while (bytes.length - at >= 8) {
    const second = bytes.readUInt8(at + 1);
    if (bytes.readUInt8(at) !== 0x82 || (second & 0x7f) !== 0x7e) throw new Error("not a binary message with a 16-bit length");
    const head = (second & 0x80) === 0 ? 4 : 8;
    const end = at + head + bytes.readUInt16BE(at + 2);
    if (bytes.length < end) break;
    frames.push({ payload: bytes.subarray(at + head, end), mask: head === 4 ? undefined : bytes.subarray(at + 4, at + 8) });
    at = end;
  }
  return { frames, left: bytes.subarray(at) };
}

function masked(payload: Buffer, mask: Buffer): Buffer {
  const out = Buffer.allocUnsafe(payload.length);
  for (let i = 0; i < payload.length; i++) out[i] = (payload[i] ?? 0) ^ (mask[i & 3] ?? 0);
  return out;
}
