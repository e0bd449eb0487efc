// The conditions of an HTTP route: those of one match all hold, of several matches one suffices.
import { bool, field, map, message, repeated, string, uint32, type Decoded } from "#api/declaration";
import { stringMatch } from "#api/string-match";

export const httpMatchRequest = message("HTTPMatchRequest", {
  name: field(string, "A name for the match, joined to the route's name"),
  uri: field(stringMatch, "The request's path"),
  scheme: field(stringMatch, "The request's scheme"),
  method: field(stringMatch, "The request's method"),
  authority: field(stringMatch, "The request's host, with its port where one is sent"),
  headers: field(map(stringMatch), "Headers by lower-case name; an empty match asks only that the header is there"),
  port: field(uint32, "The port that the caller addresses"),
  sourceLabels: field(map(string), "Labels that the calling workload bears"),
  gateways: field(repeated(string), "Gateways for which the match counts, in place of those at the top"),
  queryParams: field(map(stringMatch), "Query parameters by name; an empty match asks only that the parameter is there"),
  ignoreUriCase: field(bool, "Compare exact and prefix uri without regard to upper and lower case"),
  withoutHeaders: field(map(stringMatch), "Headers that must not match"),
  sourceNamespace: field(string, "The calling workload's namespace"),
  statPrefix: field(string, "A prefix for the route's statistics"),
});
export type HTTPMatchRequest = Decoded<typeof httpMatchRequest>;
