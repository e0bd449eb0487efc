// A request as the users of a pool make it, for the tests of pools: GET /, and what became of it.
import { PairRequestHeaderMap } from "#proxy/http/pair-header-map";
import type { RequestSender, ResponseReceiver } from "#proxy/http/stream";
import type { PendingStream, PoolCallbacks } from "./cluster.ts";

export class Exchange implements ResponseReceiver, PoolCallbacks {
  sender: RequestSender | undefined;
  pending: PendingStream | undefined;
  reused: boolean | undefined;
  failure: string | undefined;
  status = 0;
  reset: string | undefined;
  onPoolReady(sender: RequestSender, _host: unknown, _local: unknown, reused: boolean): void {
    this.sender = sender;
    this.reused = reused;
    sender.sendHeaders(new PairRequestHeaderMap({ method: "GET", path: "/", authority: "h", scheme: "http" }), true);
  }
  onPoolFailure(reason: string): void {
    this.failure = reason;
  }
  onInformational(): void {}
  onResponseHeaders({ status }: { status: number }): void {
    this.status = status;
  }
  onResponseData(): void {}
  onResponseTrailers(): void {}
  onResponseReset(reason: string): void {
    this.reset = reason;
  }
  onRequestDrain(): void {}
}
