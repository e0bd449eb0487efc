// Header maps: ordered, case-insensitive, multi-valued, lazy. One interface, two backings: HTTP/1 raw lines with recorded edits
// (http1-header-map.ts) and name/value pairs (pair-header-map.ts: local replies, later HPACK). Names given and returned are lower case.

export interface HeaderMap {
  /** The first value, or undefined. */
  get(name: string): string | undefined;
  /** All values in order. */
  getAll(name: string): readonly string[];
  /** All values joined by "," as Envoy's matchers see a repeated header; undefined when absent. */
  getJoined(name: string): string | undefined;
  has(name: string): boolean;
  /** Replaces every line of that name by one. */
  set(name: string, value: string): void;
  /** Adds a line at the end. */
  add(name: string, value: string): void;
  remove(name: string): void;
  removePrefix(prefix: string): void;
  /** In order, pseudo headers not included. */
  forEach(visit: (name: string, value: string) => void): void;
  /** Lines, pseudo headers not included. */
  readonly count: number;
  /** Names and values in bytes, as limits and logs count them. */
  readonly byteSize: number;
  /**
   * The lines in HTTP/1 form, each ended by CRLF, without start line and blank line, without connection-specific lines that the
   * codec took out. Runs of untouched raw lines are one slice. Every character is below 256.
   */
  toHttp1(): string;
  /**
   * Names and values in turn for HTTP/2, pseudo headers not included. Names are as they came, in any case. The array is the map's: it is
   * not to be changed, and good until the map changes.
   */
  toFields(): readonly string[];
  /** Names that came as never to be indexed, and go on so where HTTP/2 is spoken (RFC 7541 7.1.3). */
  readonly neverIndexed?: readonly string[] | undefined;
}

/** Pseudo headers are fields, for either HTTP version. */
export interface RequestHeaderMap extends HeaderMap {
  method: string;
  /** Path with query; "" only for CONNECT. */
  path: string;
  /** Host or :authority; "" when an HTTP/1.0 request had none. */
  authority: string;
  scheme: string;
  /** The value of an Upgrade or extended CONNECT, lower case, when the codec saw a valid one. */
  readonly upgrade: string | undefined;
}

export interface ResponseHeaderMap extends HeaderMap {
  status: number;
}

export type TrailerMap = HeaderMap;
