// What node:net stands on: Node's own handles of streams. A socket of node:net costs more than all that this proxy does with a request:
// an object with two stream states per connection, a fresh buffer and an event per read, a callback in a turn of its own per write. The
// handles are no public API; Mizzen runs on one version of Node, which it brings along, and nothing outside of net/ knows of them.
import { constants } from "node:os";
import { getSystemErrorName } from "node:util";

/** A write that did not end within its call. */
export interface WriteRequest {
  oncomplete: (status: number) => void;
  /** Set when it ended before `oncomplete` was. */
  writeStatus: number | null;
  /** What is being written must live until then. */
  data: unknown;
}

export interface StreamHandle {
  onread: (this: StreamHandle, bytes?: ArrayBuffer) => Uint8Array | undefined;
  readonly fd: number;
  /** Bytes that wait to be written. */
  readonly writeQueueSize: number;
  readStart(): number;
  readStop(): number;
  useUserBuffer(buffer: Uint8Array): void;
  // A negative result is an error, 0: all is written.
  writeLatin1String(request: null, text: string): number | WriteRequest;
  writeBuffer(request: null, bytes: Uint8Array): number | WriteRequest;
  writev(request: null, pieces: readonly unknown[], onlyBuffers: boolean): number | WriteRequest;
  shutdown(request: ShutdownRequest): number;
  close(onClosed?: (this: StreamHandle) => void): void;
  /** Takes over a descriptor of its kind. */
  open(fd: number): number;
  /** Who has it, if not node:net. */
  [OWNER]?: HandleOwner | undefined;
}

/** Who reads from a handle and hears of its end. */
export interface HandleOwner {
  /** With a buffer of one's own (`useUserBuffer`) there are no bytes, and what is returned is the buffer for the next read. */
  onRead(bytes?: ArrayBuffer): Uint8Array | undefined;
  onClosed(): void;
}

interface AddressOut {
  address?: string;
  port?: number;
  family?: string;
}

/** TCP alone has these; a unix socket's handle does not. */
export interface TcpHandle extends StreamHandle {
  bind(address: string, port: number): number;
  bind6(address: string, port: number, flags: number): number;
  connect(request: ConnectRequest, address: string, port: number): number;
  connect6(request: ConnectRequest, address: string, port: number): number;
  getsockname(out: AddressOut): number;
  getpeername(out: AddressOut): number;
  setNoDelay(on: boolean): number;
  setKeepAlive(on: boolean, idleSeconds: number, intervalSeconds: number, probes: number): number;
  /** Closes with RST. */
  reset(onClosed: (this: StreamHandle) => void): number;
}

export interface PipeHandle extends StreamHandle {
  connect(request: ConnectRequest, path: string): number;
}

export interface ConnectRequest {
  oncomplete: (status: number) => void;
}

export interface ShutdownRequest {
  oncomplete: (status: number) => void;
}

// A handle is an old object from its birth: what it refers to the collector of young objects takes for live, even when both are long gone.
// So it has one owner, none after its end, and its functions are the same for all: a closure of each connection's own would stay until the
// next full collection, with all that the connection ever allocated.
const OWNER = Symbol("owner");

function onRead(this: StreamHandle, bytes?: ArrayBuffer): Uint8Array | undefined {
  return this[OWNER]?.onRead(bytes);
}

function onClosed(this: StreamHandle): void {
  const owner = this[OWNER];
  this[OWNER] = undefined;
  owner?.onClosed();
}

/** From now on it is this one who reads. */
export function ownHandle(handle: StreamHandle, owner: HandleOwner): void {
  handle[OWNER] = owner;
  handle.onread = onRead;
}

/** node:net takes it, or its end was heard of elsewhere. */
export function disownHandle(handle: StreamHandle): void {
  handle[OWNER] = undefined;
}

export function closeHandle(handle: StreamHandle): void {
  handle.close(onClosed);
}

export function resetHandle(handle: StreamHandle): void {
  // It refuses where our end is on its way out already.
  if (!isTcp(handle) || handle.reset(onClosed) !== 0) handle.close(onClosed);
}

interface Bindings {
  stream_wrap: {
    readonly streamBaseState: Int32Array;
    readonly kReadBytesOrError: number;
    readonly kArrayBufferOffset: number;
    readonly kLastWriteErr: number;
    readonly ShutdownWrap: new () => ShutdownRequest;
  };
  tcp_wrap: { readonly TCP: new (type: number) => TcpHandle; readonly TCPConnectWrap: new () => ConnectRequest };
  pipe_wrap: { readonly Pipe: new (type: number) => PipeHandle; readonly PipeConnectWrap: new () => ConnectRequest };
}

const { binding } = process as unknown as { binding<Name extends keyof Bindings>(this: void, name: Name): Bindings[Name] };
const stream = binding("stream_wrap");
const tcp = binding("tcp_wrap");
const pipe = binding("pipe_wrap");
const state = stream.streamBaseState;
const { kReadBytesOrError, kArrayBufferOffset, kLastWriteErr } = stream;

/** The type of a handle for a connection; the other one is for listening. */
const SOCKET = 0;
const END_OF_FILE = -4095;
/** ECONNRESET as a result. */
export const RESET = -constants.errno.ECONNRESET;

export const newTcpHandle = (): TcpHandle => new tcp.TCP(SOCKET);
export const newPipeHandle = (): PipeHandle => new pipe.Pipe(SOCKET);
export const newTcpConnect = (): ConnectRequest => new tcp.TCPConnectWrap();
export const newPipeConnect = (): ConnectRequest => new pipe.PipeConnectWrap();
export const newShutdown = (): ShutdownRequest => new stream.ShutdownWrap();

/** Within `onread`: how many bytes came, or a negative number. */
export function readResult(): number {
  return state[kReadBytesOrError]!;
}

/** Within `onread` without a buffer of one's own: where the bytes begin in what it was given. */
export function readOffset(): number {
  return state[kArrayBufferOffset]!;
}

export function isEndOfFile(result: number): boolean {
  return result === END_OF_FILE;
}

/** After a write that gave a request: whether it failed all the same. */
export function writeFailure(): number {
  return state[kLastWriteErr]!;
}

export function isTcp(handle: StreamHandle): handle is TcpHandle {
  return "reset" in handle;
}

/** A negative result as the error that node:net would make of it. */
export function systemError(result: number, call: string): Error {
  const code = getSystemErrorName(result);
  return Object.assign(new Error(`${call} ${code}`), { code });
}
