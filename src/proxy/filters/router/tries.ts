// The tries of one request that run: one, but for those that were hedged.
import type { UpstreamRequest } from "./upstream-request.ts";

export class Tries {
  newest: UpstreamRequest | undefined = undefined;
  /** Older ones that run beside it. */
  #older: UpstreamRequest[] | undefined = undefined;

  get hedged(): boolean {
    return this.#older !== undefined;
  }

  add(request: UpstreamRequest): void {
    if (this.newest !== undefined) (this.#older ??= []).push(this.newest);
    this.newest = request;
  }

  all(): readonly UpstreamRequest[] {
    return [...(this.newest === undefined ? [] : [this.newest]), ...(this.#older ?? [])];
  }

  /** It is over, or is not waited for. */
  forget(request: UpstreamRequest): void {
    if (this.newest === request) this.newest = this.#older?.pop();
    else this.#older = this.#older?.filter((one) => one !== request);
    if (this.#older?.length === 0) this.#older = undefined;
  }

  drop(request: UpstreamRequest): void {
    this.forget(request);
    request.finish();
  }

  /** This one's answer is the answer. */
  settleOn(request: UpstreamRequest): void {
    if (this.#older === undefined) return;
    for (const other of this.all()) if (other !== request) other.finish();
    this.newest = request;
    this.#older = undefined;
  }

  /** Another one may still bring an answer. */
  othersWait(request: UpstreamRequest | undefined): boolean {
    if (this.#older === undefined && this.newest === request) return false;
    return this.all().some((one) => one !== request && one.awaitingHeaders);
  }

  finish(): void {
    const { newest } = this;
    const older = this.#older;
    this.newest = undefined;
    this.#older = undefined;
    newest?.finish();
    if (older !== undefined) for (const request of older) request.finish();
  }
}
