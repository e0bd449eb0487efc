// Feeds the mesh from a cluster: all resources that mean something to it, followed one by one, told in batches.
import type { AppliedChange } from "#control-plane/config/applied-objects";
import type { ObjectStore } from "#control-plane/config/object-store";
import type { Clock, Timer } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { Random } from "#runtime/random";
import { ResourceFollower, type FollowedResource } from "./resource-follower.ts";

export interface ClusterSourceOptions {
  readonly store: Pick<ObjectStore, "list" | "watch">;
  readonly resources: readonly FollowedResource[];
  readonly onChanges: (changes: readonly AppliedChange[]) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A rollout is many events at once; endpoints must not wait for long. */
const BATCH_MS = 5;
const SAID_MS = 30_000;

export class ClusterSource {
  readonly #options: ClusterSourceOptions;
  readonly #followers: readonly ResourceFollower[];
  /** The newest of each key. */
  readonly #changes = new Map<string, AppliedChange>();
  #complete = false;
  #timer: Timer | undefined;
  #saidMs = Number.NEGATIVE_INFINITY;

  constructor(options: ClusterSourceOptions) {
    this.#options = options;
    const { store, clock, random, log } = options;
    this.#followers = options.resources.map(
      (resource) =>
        new ResourceFollower({
          store,
          resource,
          onChange: (change) => this.#note(change),
          onTrouble: (name, error) => this.#say(name, error),
          clock,
          random,
          log,
        }),
    );
  }

  /** Tells nothing before it knows everything: no proxy shall lose what is only not listed yet. @throws Error when the cluster refuses */
  async start(): Promise<void> {
    await Promise.all(this.#followers.map(({ whenListed }) => whenListed));
    this.#complete = true;
    this.#tell();
  }

  close(): void {
    this.#timer?.cancel();
    this.#changes.clear();
    for (const follower of this.#followers) follower.close();
  }

  #note(change: AppliedChange): void {
    // In the order of their last changes.
    this.#changes.delete(change.key);
    this.#changes.set(change.key, change);
    if (this.#complete) this.#timer ??= this.#options.clock.setTimer(BATCH_MS, () => this.#tell());
  }

  /** A cluster that is away is away for every resource; it is said once. */
  #say(resource: string, error: string): void {
    const { clock, log } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#saidMs < SAID_MS) return;
    this.#saidMs = nowMs;
    log.warn("the cluster does not tell its objects; what is known stays, and it is asked again", { resource, error });
  }

  #tell(): void {
    this.#timer = undefined;
    const changes = [...this.#changes.values()];
    this.#changes.clear();
    if (changes.length > 0) this.#options.onChanges(changes);
  }
}
