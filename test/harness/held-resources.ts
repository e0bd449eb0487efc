// What the traffic threads of a data plane hold: timers, handles, objects of connections and streams. Loaded before the process of a test's
// proxy (`--import`), in every thread of it; the test asks over the channel of `child_process`. Nothing in the product knows of it.
import { queryObjects } from "node:v8";
import { BroadcastChannel, isMainThread } from "node:worker_threads";
import { ActiveStream } from "#proxy/http/active-stream";
import { Http2ClientStream } from "#proxy/http/http2-client-stream";
import { Http2ServerStream } from "#proxy/http/http2-server-stream";
import { TimerWheel } from "#proxy/http/timer-wheel";
import { SocketConnection } from "#proxy/net/socket-connection";

/** How many of each; names with nothing are left out. */
export type HeldResources = Readonly<Record<string, number>>;

export interface ResourceQuestion {
  /** Objects too, which costs a whole garbage collection for each class. */
  readonly objects: boolean;
}

/** Who points at any other object of a connection is pointed at by one of these. */
const CLASSES = { ActiveStream, Http2ClientStream, Http2ServerStream, SocketConnection };
const CHANNEL = "held-resources";

/** Timers that are one for many, and stay until they next fire: of the wheel, of a pool's idle connections, of the thread itself. */
const SHARED_TIMERS = /timer-wheel|http-pool|cluster-manager|access-log-batches|memory-trim|traffic-thread/;
/** Timers are counted by their owners; the rest is gone with the turn. */
const PASSING = /^(Timeout|Immediate)$/;
const OURS = /\/src\/([^:?)]+)/g;

const timers = new Map<unknown, string>();
const wheels = new Set<TimerWheel>();

function watchTimers(): void {
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const watched = (task: (...given: unknown[]) => void, delayMs?: number, ...given: unknown[]): NodeJS.Timeout => {
    const timer = set(() => {
      timers.delete(timer);
      task(...given);
    }, delayMs);
    const files = [...(new Error("set here").stack ?? "").matchAll(OURS)].map(([, file = ""]) => file);
    const owner = files.find((file) => file !== "runtime/clock.ts");
    if (owner !== undefined && !SHARED_TIMERS.test(owner)) timers.set(timer, owner);
    return timer;
  };
  globalThis.setTimeout = watched as typeof setTimeout;
  globalThis.clearTimeout = (timer) => {
    timers.delete(timer);
    clear(timer);
  };
  const wheelSet = Object.getOwnPropertyDescriptor(TimerWheel.prototype, "set")!.value as TimerWheel["set"];
  TimerWheel.prototype.set = function setAndKnow(this: TimerWheel, timer, delayMs) {
    wheels.add(this);
    wheelSet.call(this, timer, delayMs);
  };
}

function held(objects: boolean): HeldResources {
  const count = new Map<string, number>();
  const add = (name: string, more = 1): void => void (more > 0 && count.set(name, (count.get(name) ?? 0) + more));
  for (const owner of timers.values()) add(`timer of ${owner}`);
  for (const wheel of wheels) add("timers of a wheel", wheel.size);
  for (const name of process.getActiveResourcesInfo()) if (!PASSING.test(name)) add(name);
  if (objects) for (const [name, type] of Object.entries(CLASSES)) add(`object ${name}`, queryObjects(type, { format: "count" }));
  return Object.fromEntries(count);
}

const channel = new BroadcastChannel(CHANNEL) as BroadcastChannel & { unref(): void };
const hears = (take: (data: unknown) => void): void => channel.addEventListener("message", (event) => take((event as MessageEvent).data));
if (isMainThread) {
  hears((answer) => process.send?.(answer));
  process.on("message", (question: ResourceQuestion) => channel.postMessage(question));
  process.channel?.unref();
} else {
  watchTimers();
  hears((question) => channel.postMessage(held((question as ResourceQuestion).objects)));
}
channel.unref();
