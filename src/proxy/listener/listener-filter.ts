// Listener filters: they find out what a connection is before a filter chain takes it.
import type { Any } from "@bufbuild/protobuf/wkt";
import type { DynamicMetadata } from "#matcher/metadata-matcher";
import type { Tlv } from "#proxy/codec/proxy-protocol/tlv";
import type { SocketAddress } from "#proxy/net/connection";
import type { StatsScope } from "#telemetry/stats/store";
import type { ChainInput } from "./filter-chain-match.ts";

/** What filters found out so far. Each may change it. */
export interface ConnectionFacts extends ChainInput {
  destination: SocketAddress;
  source: SocketAddress;
  serverName: string;
  transportProtocol: string;
  applicationProtocols: readonly string[];
  /** `destination` is not the address of the socket: the connection was redirected, or a balancer said so. */
  destinationRestored: boolean;
  dynamicMetadata?: DynamicMetadata;
  /** JA3's hash of the ClientHello, where an inspector was told to make it. */
  ja3Fingerprint?: string | undefined;
  proxyProtocolTlvs?: readonly Tlv[];
}

export interface InspectedSocket {
  readonly facts: ConnectionFacts;
  originalDestination(): SocketAddress | undefined;
  /** Takes the first bytes away: no later filter and no chain sees them. */
  consume(length: number): void;
}

/** "more": asked again with more bytes, up to `maxBytes`; "close": this is no connection for us. */
export type ListenerFilterVerdict = "continue" | "more" | "close";

/** One per listener and thread; it keeps nothing of a single connection. */
export interface ListenerFilter {
  /** `bytes`: all that has come; empty at the first call on a fresh connection. */
  inspect(socket: InspectedSocket, bytes: Uint8Array): ListenerFilterVerdict;
}

/** How many bytes a client may send that tell a filter nothing. As Envoy's inspectors. */
export const MAX_INSPECTED_BYTES = 65_536;

export interface ListenerFilterCompiler {
  readonly configTypes: readonly string[];
  /** `scope`: the root, where Envoy counts what inspectors find; undefined where a config is only checked. @throws ConfigError */
  compile(config: Any, path: string, scope: StatsScope | undefined): ListenerFilter;
}
