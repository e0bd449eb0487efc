// Instances that agents registered by themselves, as istiod registers virtual machines: an agent's stream is the instance's
// life. A stream that ends leaves a grace, so that a restart of the control plane or a lost connection flaps nothing. What is
// registered is written down, because a restarted control plane must know it before the agents are back.
import type { Clock, Timer } from "#runtime/clock";
import type { Log } from "#runtime/log";
import type { RegistrationFile } from "./registration-file.ts";
import type { HealthStatus, WorkloadInstance } from "./service.ts";

/** How long an entry outlives its agent's stream. */
export const GRACE_MS = 10_000;
const SAVE_DELAY_MS = 20;
const MAX_REGISTRATIONS = 10_000;

/** What an agent says of its workload. */
export interface WorkloadDescription extends Pick<
  WorkloadInstance,
  "namespace" | "address" | "labels" | "serviceAccount" | "ports" | "listening" | "locality" | "network"
> {
  /** The WorkloadGroup's name. */
  readonly group: string;
  /** The instance's name: `reviews-v2-1`. */
  readonly workload: string;
}

export interface RegisteredWorkload extends WorkloadDescription {
  /** Undefined until the agent's first report. */
  readonly health: HealthStatus | undefined;
}

/** One agent's stream. */
export interface RegistrationSession {
  report(health: HealthStatus): void;
  /** The stream ended: the entry goes after the grace, unless another stream of the workload has come or comes. */
  end(): void;
}

interface Entry {
  workload: RegisteredWorkload;
  session: RegistrationSession | undefined;
  grace: Timer | undefined;
}

export interface WorkloadRegistrationsOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Without it nothing survives a restart. */
  readonly file?: RegistrationFile;
  readonly graceMs?: number;
  readonly maxRegistrations?: number;
}

export class WorkloadRegistrations {
  #options: WorkloadRegistrationsOptions;
  #entries = new Map<string, Entry>();
  #listeners = new Set<() => void>();
  #saveTimer: Timer | undefined;

  constructor(options: WorkloadRegistrationsOptions) {
    this.#options = options;
    for (const workload of options.file?.load() ?? []) {
      const entry: Entry = { workload, session: undefined, grace: undefined };
      this.#entries.set(keyOf(workload), entry);
      this.#startGrace(entry);
    }
  }

  /** By namespace and name. */
  get workloads(): readonly RegisteredWorkload[] {
    return [...this.#entries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry.workload);
  }

  /** Called after every change that can change an endpoint. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** An agent's stream began. Undefined: there are too many. A newer stream of a workload takes over from the older one. */
  connect(description: WorkloadDescription): RegistrationSession | undefined {
    const key = keyOf(description);
    let entry = this.#entries.get(key);
    if (entry === undefined && this.#entries.size >= (this.#options.maxRegistrations ?? MAX_REGISTRATIONS)) {
      this.#options.log.error("too many registered workloads, one is refused", { workload: key });
      return undefined;
    }
    const before = entry?.workload;
    const workload: RegisteredWorkload = { ...description, health: before?.health };
    if (entry === undefined) {
      entry = { workload, session: undefined, grace: undefined };
      this.#entries.set(key, entry);
    }
    entry.grace?.cancel();
    entry.grace = undefined;
    const owned = entry;
    const session: RegistrationSession = {
      report: (health) => {
        if (owned.session !== session || owned.workload.health === health) return;
        owned.workload = { ...owned.workload, health };
        this.#changed();
      },
      end: () => {
        if (owned.session !== session) return;
        owned.session = undefined;
        this.#startGrace(owned);
      },
    };
    entry.session = session;
    if (before === undefined || JSON.stringify(sorted(before)) !== JSON.stringify(sorted(workload))) {
      entry.workload = workload;
      this.#changed();
    }
    return session;
  }

  /** Writes down what is known and forgets all timers. The entries stay on disk for the next start. */
  close(): void {
    for (const entry of this.#entries.values()) entry.grace?.cancel();
    this.#listeners.clear();
    if (this.#saveTimer !== undefined) this.#save();
  }

  #startGrace(entry: Entry): void {
    entry.grace?.cancel();
    entry.grace = this.#options.clock.setTimer(
      this.#options.graceMs ?? GRACE_MS,
      () => {
        this.#entries.delete(keyOf(entry.workload));
        this.#options.log.info("a workload's agent did not come back, its entry is removed", { workload: entry.workload.workload });
        this.#changed();
      },
      true,
    );
  }

  #changed(): void {
    this.#saveTimer ??= this.#options.clock.setTimer(SAVE_DELAY_MS, () => this.#save(), true);
    for (const listener of this.#listeners) listener();
  }

  #save(): void {
    this.#saveTimer?.cancel();
    this.#saveTimer = undefined;
    try {
      this.#options.file?.save(this.workloads);
    } catch (error) {
      // Only the next restart would suffer: the running mesh goes on.
      this.#options.log.error("cannot write down the registered workloads", { error: (error as Error).message });
    }
  }
}

function keyOf(workload: WorkloadDescription): string {
  return `${workload.namespace}/${workload.workload}`;
}

/** The same text for the same meaning, whatever the order of keys. */
function sorted(workload: RegisteredWorkload): unknown {
  const pairs = (record: Readonly<Record<string, unknown>>): unknown => Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs({ ...workload, labels: pairs(workload.labels), ports: pairs(workload.ports) });
}
