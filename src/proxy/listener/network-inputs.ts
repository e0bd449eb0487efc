// What matcher trees may ask of a connection: Envoy's inputs, each a text. A connection over a pipe has no addresses to ask for.
import type { Any } from "@bufbuild/protobuf/wkt";
import { nameOf } from "#envoy/any";
import {
  ApplicationProtocolInputSchema,
  DestinationIPInputSchema,
  DestinationPortInputSchema,
  DirectSourceIPInputSchema,
  ServerNameInputSchema,
  SourceIPInputSchema,
  SourcePortInputSchema,
  SourceTypeInputSchema,
  TransportProtocolInputSchema,
} from "#envoy/gen/envoy/extensions/matching/common_inputs/network/v3/network_inputs_pb";
import type { MatchInput } from "#matcher/match-input";
import type { ReportViolation } from "#matcher/string-matcher";
import { asciiLower } from "#matcher/wire-text";
import type { SocketAddress } from "#proxy/net/connection";
import { isPipe } from "#proxy/net/socket-address";
import type { ChainInput } from "./filter-chain-match.ts";
import { isLocalSource } from "./filter-chain-match.ts";

/** By type name. */
export type InputTable<Data> = ReadonlyMap<string, (config: Any, path: string, report: ReportViolation) => MatchInput<Data> | undefined>;

interface NetworkFacts<Data> {
  readonly destination: (data: Data) => SocketAddress;
  readonly source: (data: Data) => SocketAddress;
  readonly directSource: (data: Data) => SocketAddress;
  readonly serverName: (data: Data) => string | undefined;
}

const filled = (text: string | undefined): string | undefined => (text === "" ? undefined : text);

/** Of whatever knows both ends of a connection. */
export function networkInputs<Data>(facts: NetworkFacts<Data>): InputTable<Data> {
  const ip = (of: (data: Data) => SocketAddress) => (): MatchInput<Data> => (data) => {
    const address = of(data);
    return isPipe(address) ? undefined : address.address;
  };
  const port = (of: (data: Data) => SocketAddress) => (): MatchInput<Data> => (data) => {
    const address = of(data);
    return isPipe(address) ? undefined : String(address.port);
  };
  return new Map([
    [DestinationIPInputSchema.typeName, ip(facts.destination)],
    [DestinationPortInputSchema.typeName, port(facts.destination)],
    [SourceIPInputSchema.typeName, ip(facts.source)],
    [SourcePortInputSchema.typeName, port(facts.source)],
    [DirectSourceIPInputSchema.typeName, ip(facts.directSource)],
    [
      ServerNameInputSchema.typeName,
      () =>
        (data): string | undefined =>
          filled(asciiLower(facts.serverName(data) ?? "")),
    ],
  ]);
}

/** Of a connection that no filter chain has taken yet. */
export const CHAIN_INPUTS: InputTable<ChainInput> = new Map([
  ...networkInputs<ChainInput>({
    destination: ({ destination }) => destination,
    source: ({ source }) => source,
    directSource: ({ directSource }) => directSource,
    serverName: ({ serverName }) => serverName,
  }),
  [
    SourceTypeInputSchema.typeName,
    () =>
      (input): string | undefined =>
        isLocalSource(input) ? "local" : undefined,
  ],
  [
    TransportProtocolInputSchema.typeName,
    () =>
      ({ transportProtocol }): string | undefined =>
        filled(transportProtocol),
  ],
  [
    ApplicationProtocolInputSchema.typeName,
    () =>
      ({ applicationProtocols: protocols }): string | undefined =>
        protocols.length === 0 ? undefined : protocols.map((protocol) => `'${protocol}'`).join(","),
  ],
]);

/** An input of the table; another is reported, and `who` cannot ask it. */
export function inputOf<Data>(
  table: InputTable<Data>,
  who: string,
): (config: Any, path: string, report: ReportViolation) => MatchInput<Data> | undefined {
  return (config, path, report) => {
    const type = nameOf(config.typeUrl);
    const compile = table.get(type);
    if (compile === undefined) report(path, `${who} cannot ask for ${type}`);
    return compile?.(config, path, report);
  };
}
