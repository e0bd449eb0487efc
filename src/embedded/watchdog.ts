// Ends the applications if the supervisor is killed: a small shell that holds the reading end of a pipe. When the pipe closes without
// the word "end", it terminates every process group that it was told of. Plain POSIX sh, so that nothing of ours has to survive.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";

const SCRIPT = `
trap '' INT TERM HUP
groups=' '
while read -r word group; do
  case $word in
    begin) groups="$groups$group " ;;
    end) case $groups in *" $group "*) groups="\${groups%%" $group "*} \${groups#*" $group "}" ;; esac ;;
    bye) exit 0 ;;
  esac
done
for group in $groups; do kill -s TERM -- "-$group" 2>/dev/null; done
for second in 1 2 3; do
  alive=
  for group in $groups; do kill -s 0 -- "-$group" 2>/dev/null && alive=1; done
  [ -z "$alive" ] && exit 0
  sleep 1
done
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
exit 0
`;

export class Watchdog {
  #child: ChildProcess;

  /** @param onLost the shell could not be started or ended: from now on nobody cleans up after a kill -9 */
  constructor(onLost: (reason: string) => void) {
    // Detached: neither Ctrl-C nor the end of the terminal reaches it.
    this.#child = spawn("/bin/sh", ["-c", SCRIPT], { stdio: ["pipe", "ignore", "ignore"], detached: true });
    let over = false;
    const lost = (reason: string): void => {
      if (!over) onLost(reason);
      over = true;
    };
    this.#child.on("error", (error) => lost(error.message));
    this.#child.on("exit", (code, signal) => {
      if (code !== 0) lost(`it ended with ${code ?? signal}`);
      over = true;
    });
    this.#child.stdin?.on("error", (error) => lost(error.message));
    this.#child.unref();
  }

  tell(event: "begin" | "end", processGroup: number): void {
    this.#child.stdin?.write(`${event} ${processGroup}\n`);
  }

  /** Nothing is left to be ended. */
  close(): void {
    this.#child.stdin?.end("bye\n");
  }
}
