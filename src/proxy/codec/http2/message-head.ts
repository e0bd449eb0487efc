// What a header block says: a request's or a response's head, or trailers.

export class MessageHead {
  method = "";
  scheme = "";
  authority = "";
  path = "";
  /** `:protocol` of an extended CONNECT (RFC 8441). */
  protocol: string | undefined;
  /** 0: a request or trailers. */
  status = 0;
  /** Names and values in turn, in arrival order, without pseudo headers. Names are lower case. The reader may keep and change it. */
  readonly fields: string[] = [];
  /** -1: not said. */
  contentLength = -1;
  /** Names of fields that must not be put into a table on their way on (RFC 7541 7.1.3). */
  neverIndexed: string[] | undefined;
  /** Bytes of names and values, pseudo headers too. */
  byteSize = 0;
}

/** What a client asks for. An empty text: the pseudo header is left out. */
export interface RequestPseudoFields {
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
  readonly protocol?: string | undefined;
}
