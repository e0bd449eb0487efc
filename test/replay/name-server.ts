// A DNS server that knows every name: each has one IPv4 address, always the same, and no other records.
import { createSocket } from "node:dgram";
import { createHash } from "node:crypto";

const A = 1;

export function addressOfName(name: string): string {
  const [a = 0, b = 0, c = 0] = createHash("sha256").update(name.toLowerCase()).digest();
  return `198.${18 + (a % 2)}.${b}.${1 + (c % 254)}`;
}

export async function startNameServer(address: string): Promise<{ close(): void }> {
  const socket = createSocket("udp4");
  socket.on("message", (query, from) => {
    const answer = answerTo(query);
    if (answer !== undefined) socket.send(answer, from.port, from.address);
  });
  await new Promise<void>((done, failed) => {
    socket.once("error", failed);
    socket.bind(53, address, done);
  });
  return { close: () => socket.close() };
}

/** RFC 1035, section 4: one question, at most one answer. */
export function answerTo(query: Buffer): Buffer | undefined {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]; length !== undefined && length !== 0; length = query[at]) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const end = at + 5;
  if (query.length < end) return undefined;
  const isAddress = query.readUInt16BE(at + 1) === A;
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(isAddress ? 1 : 0, 6);
  header.writeUInt32BE(0, 8);
  const record = Buffer.alloc(16);
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(A, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(60, 6);
  record.writeUInt16BE(4, 10);
  Buffer.from(addressOfName(labels.join(".")).split(".").map(Number)).copy(record, 12);
  return Buffer.concat([header, query.subarray(12, end), ...(isAddress ? [record] : [])]);
}
