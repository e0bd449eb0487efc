// The first bytes of a connection: a PROXY header, and what the client says behind it.
import { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";
import type { Choices } from "../choices.ts";
import type { Facts } from "./facts.ts";

export interface Opening {
  /** The client's own address. */
  readonly from: string;
  /** In latin1; OWN stands for the listener's port. */
  readonly header: string;
  /** A PROXY header of version 2, without its port of the listener: two bytes at this offset are it. -1: none. */
  readonly ownPortAt: number;
  readonly first: string;
  /** Sent in two pieces, cut there; 0: at once. */
  readonly cutAt: number;
  /** The client ends its half when it has said this. */
  readonly ends: boolean;
}

/** The ClientHello that Node sends; its random bytes are no matter. */
async function clientHello(serverName: string, protocols: readonly string[]): Promise<string> {
  const hello = Promise.withResolvers<string>();
  const wire = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      hello.resolve(chunk.toString("latin1"));
      done();
    },
  });
  const socket = connectTls({ socket: wire, ...(serverName === "" ? {} : { servername: serverName }), ALPNProtocols: [...protocols] });
  socket.on("error", () => {});
  const bytes = await hello.promise;
  socket.destroy();
  return bytes;
}

const PLAIN: Readonly<Record<Facts["plain"], string>> = {
  "HTTP/1.1": "GET / HTTP/1.1\r\nhost: a.example\r\n\r\n",
  "HTTP/1.0": "GET / HTTP/1.0\r\n\r\n",
  "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
  // Longer than the signature of a PROXY header, for which Envoy waits.
  other: "something else of the client\n",
};

function isSix(address: string): boolean {
  return address.includes(":");
}

function bytesOf(address: string): Buffer {
  if (!isSix(address)) return Buffer.from(address.split(".").map(Number));
  const [head = "", tail = ""] = address.split("::");
  const groups = (text: string): number[] => (text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16)));
  const [front, back] = [groups(head), groups(tail)];
  const all = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 0xff]));
}

const SIGNATURE = Buffer.from("0d0a0d0a000d0a515549540a", "hex");

function version1(facts: Facts): string {
  const { source, destination, sourcePort, destinationPort } = facts;
  if (isSix(source) !== isSix(destination)) return "PROXY UNKNOWN\r\n";
  return `PROXY ${isSix(source) ? "TCP6" : "TCP4"} ${source} ${destination} ${sourcePort} ${destinationPort}\r\n`;
}

function version2(choices: Choices, facts: Facts): { header: string; ownPortAt: number } {
  const { source, destination, sourcePort, destinationPort } = facts;
  const local = choices.chance(0.1) || isSix(source) !== isSix(destination);
  const port = Buffer.alloc(4);
  port.writeUInt16BE(sourcePort, 0);
  port.writeUInt16BE(destinationPort === "OWN" ? 0 : destinationPort, 2);
  const addresses = local ? Buffer.alloc(0) : Buffer.concat([bytesOf(source), bytesOf(destination), port]);
  const tlv = choices.chance(0.3) ? Buffer.from("020007652e746573742e", "hex") : Buffer.alloc(0);
  const head = Buffer.from([local ? 0x20 : 0x21, local ? 0 : isSix(source) ? 0x21 : 0x11, 0, addresses.length + tlv.length]);
  return {
    header: Buffer.concat([SIGNATURE, head, addresses, tlv]).toString("latin1"),
    ownPortAt: !local && destinationPort === "OWN" ? SIGNATURE.length + 4 + addresses.length - 2 : -1,
  };
}

/** No headers, though each begins like one. */
const MALFORMED = [
  "PROXY TCP4 1.2.3.4\r\n",
  "PROXY TCP5 1.2.3.4 1.2.3.5 1 2\r\n",
  "PROXY TCP4 1.2.3.999 1.2.3.5 1 2\r\n",
  "PROXY TCP4 1.2.3.4 1.2.3.5 70000 2\r\n",
  "PROXY TCP4 ::1 ::2 1 2\r\n",
  "PROXY TCP6 fd00::1 fd00::2 10 20 30\r\n",
  "PROXY UNKNOWN whatever stands here\r\n",
  `PROXY TCP4 ${"1".repeat(120)}\r\n`,
  // Version, command, family and length of their own.
  ...["31110000", "22110000", "21410000", "2111000401020304", "21120000", "2f110000"].map(
    (rest) => SIGNATURE.toString("latin1") + Buffer.from(rest, "hex").toString("latin1"),
  ),
];

export async function openingOf(choices: Choices, facts: Facts, proxied: boolean): Promise<Opening> {
  const withHeader = choices.chance(proxied ? 0.92 : 0.04);
  const malformed = proxied && choices.chance(0.08);
  const { header, ownPortAt } = malformed
    ? { header: choices.pick(MALFORMED), ownPortAt: -1 }
    : !withHeader
      ? { header: "", ownPortAt: -1 }
      : choices.chance(0.5)
        ? { header: version1(facts), ownPortAt: -1 }
        : version2(choices, facts);
  const silent = choices.chance(0.04);
  const first = silent ? "" : facts.tls ? await clientHello(facts.serverName, facts.protocols) : PLAIN[facts.plain];
  const length = header.length + first.length;
  return {
    from: facts.direct,
    header,
    ownPortAt,
    first,
    cutAt: length > 1 && choices.chance(0.25) ? 1 + choices.integer(length - 1) : 0,
    ends: choices.chance(0.15),
  };
}

/** The bytes for a listener on this port. */
export function wireOf({ header, ownPortAt, first }: Opening, port: number): Buffer {
  const bytes = Buffer.from(header.replace("OWN", String(port)), "latin1");
  if (ownPortAt >= 0) bytes.writeUInt16BE(port, ownPortAt);
  return Buffer.concat([bytes, Buffer.from(first, "latin1")]);
}
