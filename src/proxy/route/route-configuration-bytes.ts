// A RouteConfiguration on the wire, read in pieces: 10,000 routes decoded at once would hold up a traffic thread for a tenth of a second.
import type { DescMessage } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { RouteSchema, VirtualHostSchema } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import type { Route } from "#envoy/gen/envoy/config/route/v3/route_components_pb";
import { RouteConfigurationSchema } from "#envoy/gen/envoy/config/route/v3/route_pb";
import type { RouteConfiguration } from "#envoy/gen/envoy/config/route/v3/route_pb";
import { decodeResource, notAMessage } from "#proxy/decode-resource";
import { invariant } from "#runtime/invariant";
import type { VirtualHostSource } from "./route-table.ts";

export interface RouteConfigurationPieces {
  /** Everything but its virtual hosts. */
  readonly config: RouteConfiguration;
  /** Decoded as they are asked for. */
  readonly hosts: Iterable<VirtualHostSource>;
}

/** @throws ConfigError, also while it is read */
export function readRouteConfiguration(bytes: Uint8Array): RouteConfigurationPieces {
  const { rest, members } = split(RouteConfigurationSchema, bytes, VIRTUAL_HOSTS);
  return { config: decodeResource(RouteConfigurationSchema, rest), hosts: hostsOf(members) };
}

function* hostsOf(members: readonly Uint8Array[]): Generator<VirtualHostSource> {
  for (const bytes of members) {
    const { rest, members: routes } = split(VirtualHostSchema, bytes, ROUTES);
    yield { host: decodeResource(VirtualHostSchema, rest), routes: routesOf(routes) };
  }
}

function* routesOf(members: readonly Uint8Array[]): Generator<Route> {
  for (const bytes of members) yield decodeResource(RouteSchema, bytes);
}

const VIRTUAL_HOSTS = fieldNumber(RouteConfigurationSchema, "virtual_hosts");
const ROUTES = fieldNumber(VirtualHostSchema, "routes");

function fieldNumber(schema: DescMessage, name: string): number {
  const field = schema.fields.find((candidate) => candidate.name === name);
  invariant(field !== undefined, `${schema.typeName} has a field ${name}`);
  return field.number;
}

interface Split {
  readonly rest: Uint8Array;
  readonly members: readonly Uint8Array[];
}

/** The members of one repeated message, and the message without them. */
function split(schema: DescMessage, bytes: Uint8Array, field: number): Split {
  const reader = new BinaryReader(bytes);
  const members: Uint8Array[] = [];
  const others: Uint8Array[] = [];
  try {
    while (reader.pos < reader.len) {
      const start = reader.pos;
      const [number, wireType] = reader.tag();
      if (number === field && wireType === WireType.LengthDelimited) members.push(reader.bytes());
      else {
        reader.skip(wireType, number);
        others.push(bytes.subarray(start, reader.pos));
      }
    }
  } catch (error) {
    throw notAMessage(schema, error);
  }
  return { rest: Buffer.concat(others), members };
}
