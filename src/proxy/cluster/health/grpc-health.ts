// The two messages of grpc.health.v1.Health/Check, with gRPC's prefix before them.
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

const PREFIX_BYTES = 5;
const FIRST_FIELD = 1;
const SERVING = 1n;

export function healthCheckRequest(service: string): Buffer {
  const writer = new BinaryWriter();
  if (service !== "") writer.tag(FIRST_FIELD, WireType.LengthDelimited).string(service);
  const message = writer.finish();
  const framed = Buffer.alloc(PREFIX_BYTES + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_BYTES);
  return framed;
}

/** The body is one uncompressed message that says SERVING. */
export function isServing(body: Buffer): boolean {
  if (body.length < PREFIX_BYTES || body[0] !== 0 || body.readUInt32BE(1) !== body.length - PREFIX_BYTES) return false;
  const reader = new BinaryReader(body.subarray(PREFIX_BYTES));
  let status = 0n;
  try {
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (field === FIRST_FIELD && wireType === WireType.Varint) status = BigInt(reader.int64());
      else reader.skip(wireType, field);
    }
  } catch {
    return false;
  }
  return status === SERVING;
}
