// Pieces of the protobuf wire format, for messages that are put together from parts that are encoded already.

/** Wire type of messages, texts and bytes: a length, then as many bytes. */
export const LENGTH_DELIMITED = 2;

/** What stands before a message, text or bytes in field `field`. */
export function lengthDelimitedTag(field: number): number {
  return (field << 3) | LENGTH_DELIMITED;
}

/** `value`: from 0 to 2^32 - 1. */
export function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  bytes.push(value);
  return Uint8Array.from(bytes);
}
