// A request and its response, without sockets.
import type { User } from "./discovery/reviews.ts";
import type { Body } from "./request/body.ts";
import type { WatchLines } from "./operations/object-watch.ts";

export interface ApiRequest {
  readonly method: string;
  /** Still escaped, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly accept: string;
  readonly userAgent: string;
  readonly body: Body;
  /** Undefined: nobody whom the server knows. */
  readonly user: User | undefined;
  /** What the client calls the server. */
  readonly host: string;
}

export type ApiResponse =
  | {
      readonly is: "whole";
      readonly code: number;
      readonly contentType: string;
      readonly text: string | Uint8Array;
      readonly warnings: readonly string[];
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly is: "watch"; readonly contentType: string; readonly lines: WatchLines };
