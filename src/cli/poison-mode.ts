// For tests of buffer ownership: with MIZZEN_POISON=1 data planes overwrite received bytes as soon as whoever they were lent to has had
// them, so that whoever keeps a view without asking is found. It costs speed and is no option of a command.
import type { Log } from "#runtime/log";

export function poisonMode(environment: Readonly<Record<string, string | undefined>>, log: Log): boolean {
  const on = environment["MIZZEN_POISON"] === "1";
  if (on) log.warn("received bytes are overwritten after use (MIZZEN_POISON): this data plane is for tests");
  return on;
}
