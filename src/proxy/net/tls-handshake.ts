// The TLS handshake over a socket that stands, on both sides. What the peer's certificate is worth is judged by the caller, before any
// byte of the peer is seen.
import type { Socket } from "node:net";
import { connect, TLSSocket } from "node:tls";
import { CertificateInfo } from "./tls-info.ts";
import type { TlsInfo } from "./tls-info.ts";
import type { SecureContext } from "./secure-context.ts";
import { meaningOf } from "./transport-failure.ts";

export interface HandshakeResult {
  readonly info: TlsInfo;
  readonly sessionReused: boolean;
  /** Why the peer's chain does not lead to a trusted authority, OpenSSL's code; undefined: it does, or there is no certificate. */
  readonly chainProblem: string | undefined;
}

export interface HandshakeFailure {
  /** In Envoy's form; "": the peer ended, which needs no words. */
  readonly detail: string;
  /** "gone": the connection ended or broke below TLS, which is counted where connections are. */
  readonly cause: "gone" | "no-certificate" | "protocol";
}

export interface HandshakeCallbacks {
  /** One of the two, once. */
  onSecure(socket: TLSSocket, result: HandshakeResult): void;
  onFailed(failure: HandshakeFailure): void;
}

export interface ServerHandshakeOptions {
  readonly context: SecureContext;
  readonly requestCertificate: boolean;
  readonly requireCertificate: boolean;
  /** The protocol to agree on; undefined: none. */
  readonly applicationProtocol: string | undefined;
}

export interface ClientHandshakeOptions {
  readonly context: SecureContext;
  /** "": none. */
  readonly serverName: string;
  readonly applicationProtocols: readonly string[];
  /** Of an earlier connection to the same host under the same context. */
  readonly session: Buffer | undefined;
  readonly onSession: (session: Buffer) => void;
}

export function serverHandshake(socket: Socket, options: ServerHandshakeOptions, callbacks: HandshakeCallbacks): void {
  const { context, requestCertificate, requireCertificate, applicationProtocol } = options;
  const tls = new TLSSocket(socket, {
    isServer: true,
    secureContext: context,
    requestCert: requestCertificate,
    // OpenSSL's half of it: a client without a certificate gets its alert within the handshake.
    rejectUnauthorized: requireCertificate,
    ...(applicationProtocol === undefined ? {} : { ALPNProtocols: [applicationProtocol] }),
  });
  // What happens to the descriptor is told by the TLS socket; an error of the one below it must not end the process.
  socket.on("error", () => {});
  finish(tls, "secure", callbacks);
}

export function clientHandshake(socket: Socket, options: ClientHandshakeOptions, callbacks: HandshakeCallbacks): void {
  const { context, serverName, applicationProtocols, session, onSession } = options;
  const tls = connect({
    socket,
    secureContext: context,
    rejectUnauthorized: false,
    // Names are the validation context's business: a mesh's certificates have no host names.
    checkServerIdentity: () => undefined,
    ...(serverName === "" ? {} : { servername: serverName }),
    ...(applicationProtocols.length === 0 ? {} : { ALPNProtocols: [...applicationProtocols] }),
    ...(session === undefined ? {} : { session }),
  });
  tls.on("session", onSession);
  finish(tls, "secureConnect", callbacks);
}

const GONE: HandshakeFailure = { detail: "", cause: "gone" };

function finish(tls: TLSSocket, event: "secure" | "secureConnect", callbacks: HandshakeCallbacks): void {
  let settled = false;
  let failure: HandshakeFailure | undefined;
  const onError = (error: Error): void => {
    failure ??= failureOf(error);
  };
  // Errors of a handshake come under a name of their own on the server's side.
  tls.on("_tlsError", onError);
  tls.on("error", onError);
  // Half a connection is no use before the handshake is over. That the peer has ended is told only to who reads; there is nothing to read.
  const onReadable = (): void => void tls.read();
  const onEnd = (): void => void tls.destroy();
  const settle = (): void => {
    settled = true;
    tls.off("close", onClose).off("readable", onReadable).off("end", onEnd);
  };
  const onClose = (): void => {
    settle();
    callbacks.onFailed(failure ?? GONE);
  };
  tls.on("readable", onReadable).on("end", onEnd).on("close", onClose);
  tls.once(event, () => {
    if (settled) return;
    settle();
    callbacks.onSecure(tls, result(tls));
  });
}

function result(tls: TLSSocket): HandshakeResult {
  const peer = tls.getPeerX509Certificate();
  const { _handle: handle } = tls as TLSSocket & { readonly _handle?: { verifyError?(): { code?: string } | null | undefined } | null };
  const problem = peer === undefined ? undefined : (handle?.verifyError?.()?.code ?? undefined);
  return { info: new HandshakeInfo(tls, problem === undefined), sessionReused: tls.isSessionReused(), chainProblem: problem };
}

class HandshakeInfo implements TlsInfo {
  readonly version: string;
  readonly cipher: string;
  readonly applicationProtocol: string;
  readonly peer: CertificateInfo | undefined;
  readonly peerValidated: boolean;
  readonly #tls: TLSSocket;
  #local: CertificateInfo | undefined;

  constructor(tls: TLSSocket, chainHeld: boolean) {
    this.#tls = tls;
    this.version = tls.getProtocol() ?? "";
    this.cipher = tls.getCipher().name;
    this.applicationProtocol = typeof tls.alpnProtocol === "string" ? tls.alpnProtocol : "";
    const peer = tls.getPeerX509Certificate();
    this.peer = peer === undefined ? undefined : new CertificateInfo(peer);
    this.peerValidated = peer !== undefined && chainHeld;
  }

  get local(): CertificateInfo | undefined {
    if (this.#local !== undefined) return this.#local;
    const local = this.#tls.getX509Certificate();
    return (this.#local = local === undefined ? undefined : new CertificateInfo(local));
  }
}

/** OpenSSL's errors are "id:error:code:library:function:reason:file:line:"; people need the reason. */
function failureOf(error: Error): HandshakeFailure {
  const { reason, code, syscall } = error as NodeJS.ErrnoException & { readonly reason?: string };
  if (reason === undefined && code === "ECONNRESET" && syscall === undefined) return GONE;
  if (syscall !== undefined) return { detail: `TLS_error:|system library:${meaningOf(code ?? "")}:TLS_error_end`, cause: "gone" };
  const detail = `TLS_error:|${reason ?? code ?? error.message}:TLS_error_end`;
  return { detail, cause: reason === "peer did not return a certificate" ? "no-certificate" : "protocol" };
}
