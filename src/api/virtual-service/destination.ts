// Where a route sends what it matched.
import { field, int32, message, required, string, uint32, type Decoded } from "#api/declaration";

export const portSelector = message("PortSelector", { number: field(uint32, "The port's number") });
export type PortSelector = Decoded<typeof portSelector>;

export const destination = message("Destination", {
  host: required(string, "The service: its full name, or a short one that is completed with the VirtualService's namespace"),
  subset: field(string, "A subset that a DestinationRule of the host declares"),
  port: field(portSelector, "The service's port; may be left out when it has only one"),
});
export type Destination = Decoded<typeof destination>;

export const routeDestination = message("RouteDestination", {
  destination: required(destination, "Where connections go"),
  weight: field(int32, "Share of the connections, relative to the sum of all weights"),
});
export type RouteDestination = Decoded<typeof routeDestination>;
