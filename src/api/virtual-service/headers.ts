// Header edits of a route or of one of its destinations.
import { field, map, message, repeated, string, type Decoded } from "#api/declaration";

const headerOperations = message("HeaderOperations", {
  set: field(map(string), "Headers that replace what is there"),
  add: field(map(string), "Headers that are added to what is there"),
  remove: field(repeated(string), "Names of headers that are taken away"),
});
export type HeaderOperations = Decoded<typeof headerOperations>;

export const headers = message("Headers", {
  request: field(headerOperations, "Edits before the request goes to the destination"),
  response: field(headerOperations, "Edits before the response goes to the caller"),
});
export type Headers = Decoded<typeof headers>;
