// One page of the admin endpoint: its path stands in the table of pages.
import type { JsonObject } from "@bufbuild/protobuf";
import type { AdminSource } from "./admin-source.ts";

export interface Answer {
  readonly status?: number;
  readonly type?: string;
  readonly body: string;
  /** After the answer has left. */
  readonly afterwards?: () => void;
}

export interface PageParameter {
  readonly name: string;
  readonly help: string;
  /** Undefined: any text. Empty: it is given or it is not. */
  readonly choices?: readonly string[];
}

export interface Page {
  readonly method: "GET" | "POST";
  readonly help: string;
  readonly parameters?: readonly PageParameter[];
  readonly answer: (source: AdminSource, query: URLSearchParams) => Answer | Promise<Answer>;
}

export const OK: Answer = { body: "OK\n" };

export function json(value: JsonObject): Answer {
  return { type: "application/json", body: `${JSON.stringify(value, undefined, 1)}\n` };
}
