// Handshakes of TLS in pieces, and peers that get through them.
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect, createSecureContext, TLSSocket } from "node:tls";
import type { ConnectionOptions, SecureContextOptions } from "node:tls";

/** The description of a fatal alert (RFC 8446 6). */
export const HANDSHAKE_FAILURE = 40;

/** In plain text, as before keys are agreed on. */
export const alert = (description: number): Buffer => Buffer.from([21, 3, 3, 0, 2, 2, description]);

/** One end of nothing: what is written into it is told. */
function wire(onWrite: (bytes: Buffer) => void): Duplex {
  return new Duplex({
    read() {},
    write(bytes: Buffer, _encoding, done) {
      onWrite(bytes);
      done();
    },
  });
}

export function clientHello(options: ConnectionOptions = {}): Promise<Buffer> {
  return new Promise((done) => {
    const socket = connect({ ...options, socket: wire(done), rejectUnauthorized: false });
    socket.on("error", () => {});
  });
}

/** What a server answers to this ClientHello before it waits for the client. */
export async function serverFlight(hello: Buffer, options: SecureContextOptions): Promise<Buffer> {
  const parts: Buffer[] = [];
  const far = wire((bytes) => parts.push(bytes));
  const socket = new TLSSocket(far, { isServer: true, secureContext: createSecureContext(options) });
  socket.on("error", () => {});
  far.push(hello);
  while (parts.length === 0) await new Promise((done) => setImmediate(done));
  return Buffer.concat(parts);
}

export const asClient =
  (options: ConnectionOptions = {}) =>
  (socket: Socket): Socket =>
    connect({ ...options, socket, rejectUnauthorized: false });

export const asServer =
  (options: SecureContextOptions & { readonly requestCert?: boolean; readonly rejectUnauthorized?: boolean }) =>
  (socket: Socket): Socket => {
    const { requestCert = false, rejectUnauthorized = false } = options;
    return new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(options), requestCert, rejectUnauthorized });
  };
