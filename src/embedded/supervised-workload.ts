// One instance of a group that mizzen runs itself: the application, started again with backoff when it ends, and its agent.
import type { Readable } from "node:stream";
import { Application, exitText } from "#agent/application";
import type { ApplicationOptions } from "#agent/application";
import type { WorkloadAgent } from "#agent/workload-agent";
import type { Clock, Timer } from "#runtime/clock";
import type { Log } from "#runtime/log";
import { APPLICATION_BACKOFF, Backoff } from "./backoff.ts";

export interface SupervisedWorkloadOptions {
  readonly instance: string;
  readonly command: string;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly agent: Pick<WorkloadAgent, "start" | "applicationStarted" | "applicationEnded" | "drain" | "close">;
  readonly clock: Clock;
  readonly log: Log;
  readonly onOutput: (stream: "stdout" | "stderr", readable: Readable) => void;
  readonly onGroup: NonNullable<ApplicationOptions["onGroup"]>;
}

const TERM_GRACE_MS = 10_000;

export class SupervisedWorkload {
  #options: SupervisedWorkloadOptions;
  #application: Application | undefined;
  #restart: Timer | undefined;
  #backoff = new Backoff(APPLICATION_BACKOFF);
  #stopping: Promise<void> | undefined;
  #restarts = 0;

  constructor(options: SupervisedWorkloadOptions) {
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#application?.pid;
  }

  get restarts(): number {
    return this.#restarts;
  }

  start(): void {
    this.#options.agent.start();
    this.#launch();
  }

  #launch(): void {
    const { command, directory, environment, clock, onOutput, onGroup, agent } = this.#options;
    const startedMs = clock.monotonicMs();
    const application = new Application({ command, directory, environment, clock, output: onOutput, onGroup });
    this.#application = application;
    agent.applicationStarted();
    void application.exited.then((exit) => {
      this.#application = undefined;
      if (this.#stopping !== undefined) return;
      agent.applicationEnded(exitText(exit));
      const delayMs = this.#backoff.next(clock.monotonicMs() - startedMs);
      this.#options.log.warn(`${this.#options.instance} ${exitText(exit)}; starting it again in ${delayMs / 1000} s`);
      this.#restart = clock.setTimer(delayMs, () => {
        this.#restarts++;
        this.#launch();
      });
    });
  }

  /** Drains it, then ends the application, then its sidecar. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#restart?.cancel();
    await this.#options.agent.drain();
    await this.#application?.stop(TERM_GRACE_MS);
    await this.#options.agent.close(0);
  }

  kill(): void {
    this.#stopping ??= Promise.resolve();
    this.#restart?.cancel();
    this.#application?.kill();
  }
}
