// The child's end of the channel to `mizzen up`: messages in and out, and an end of its own when the supervisor is gone.

export interface SupervisedChild<From> {
  tell(message: From): void;
}

/** Ctrl-C reaches the whole process group: a supervised child leaves it to the supervisor to stop it in order. */
export function superviseMe<From>(onMessage: (message: unknown) => void, onOrphaned: () => void): SupervisedChild<From> {
  for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
  process.on("message", (message) => onMessage(message));
  process.on("disconnect", onOrphaned);
  return {
    tell(message) {
      // The callback takes the error of a channel that closes meanwhile: "disconnect" follows.
      if (process.connected) process.send?.(message, undefined, undefined, () => {});
    },
  };
}
