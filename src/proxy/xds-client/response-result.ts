// A response of a server of resources, and what became of it.

export interface IncomingResource {
  readonly name: string;
  readonly version: string;
  readonly bytes: Uint8Array;
}

export interface UnboundListener {
  readonly resource: IncomingResource;
  readonly reason: string;
}

export interface ResponseResult {
  /** Why resources were refused. */
  readonly refused: readonly string[];
  /** Of those, the listeners whose address could not be bound. */
  readonly unbound: readonly UnboundListener[];
  /** Names whose content is accepted now, changed or not. */
  readonly accepted: readonly IncomingResource[];
  readonly changed: boolean;
  /** Settles when what the response changed is live on every thread. */
  readonly live: Promise<readonly string[]>;
}
