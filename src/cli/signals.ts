// Ctrl-C, SIGTERM and the end of the launcher, as one request to stop; the second one is a request to stop at once.

/** A terminal, npm and the launcher may each pass on one key press: what comes this close together is one. */
const SAME_PRESS_MS = 300;

export type StopRequest = "ordered" | "at-once";

/** Calls `onStop` for each request to stop, "ordered" for the first one. Returns what takes the handlers away. */
export function onStopRequests(onStop: (request: StopRequest, cause: string) => void, nowMs: () => number): () => void {
  let lastMs = Number.NEGATIVE_INFINITY;
  let asked = false;
  const ask = (cause: string): void => {
    const now = nowMs();
    if (now - lastMs < SAME_PRESS_MS) return;
    lastMs = now;
    const request = asked ? "at-once" : "ordered";
    asked = true;
    onStop(request, cause);
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const handlers = signals.map((signal) => ({ signal, handler: () => ask(signal) }));
  for (const { signal, handler } of handlers) process.on(signal, handler);
  // The launcher (bin/mizzen.js) holds an IPC channel: when it is killed, its mesh ends with it.
  const disconnected = (): void => ask("the end of the launcher");
  if (process.channel !== undefined && process.channel !== null) {
    process.on("disconnect", disconnected);
    process.channel.unref();
  }
  return () => {
    for (const { signal, handler } of handlers) process.off(signal, handler);
    process.off("disconnect", disconnected);
  };
}
