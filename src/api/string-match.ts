// One way to compare a string, shared by several kinds.
import { field, message, string, type Decoded } from "./declaration.ts";

export const stringMatch = message(
  "StringMatch",
  {
    exact: field(string, "The whole value, compared as it stands"),
    prefix: field(string, "What the value begins with"),
    regex: field(string, "An RE2 expression that the whole value matches"),
  },
  [["exact", "prefix", "regex"]],
);
export type StringMatch = Decoded<typeof stringMatch>;
