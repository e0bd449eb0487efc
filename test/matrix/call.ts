// One question to a proxy under test: who sends what from where, how often, and why it is asked.
import type { TrafficRequest } from "../replay/traffic.ts";

export interface Call {
  /** What the call is for, for people. */
  readonly label: string;
  /** The application beside the proxy, or somebody elsewhere. */
  readonly from: "pod" | "world";
  readonly request: TrafficRequest;
  /** Often enough that the shares of weights can be told; more often where one of several endpoints answers. */
  readonly times: number;
  /** Too slow to be made often: which of several endpoints answers is not looked at. */
  readonly slow?: boolean;
  /** The proxy gives up at some moment: how often the request had arrived by then is chance. */
  readonly givesUp?: boolean;
  /** Copies may arrive after the answer. */
  readonly mirrored?: boolean;
}

/** A request with everything that most have. */
export function requestTo(address: string, port: number, more: Partial<TrafficRequest> = {}): TrafficRequest {
  return {
    address,
    port,
    protocol: "http/1.1",
    method: "GET",
    authority: address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`,
    path: "/",
    headers: [],
    timeoutMs: 4_000,
    ...more,
  };
}
