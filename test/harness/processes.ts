// What the operating system says of processes: from /proc where there is one, else from ps and lsof.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

const HAS_PROC = process.platform === "linux";

/** Command line of a process, with its environment where the system shows that. */
export function processText(pid: number): string {
  if (!HAS_PROC) return execFileSync("ps", ["-Eww", "-o", "command=", "-p", String(pid)], { encoding: "utf8" });
  return `${readFileSync(`/proc/${pid}/cmdline`, "utf8")} ${readFileSync(`/proc/${pid}/environ`, "utf8")}`.replaceAll("\0", " ");
}

/** Processes but this one whose command line or environment holds one of `texts`. */
export function processesWith(texts: readonly string[]): number[] {
  const ids = HAS_PROC ? readdirSync("/proc") : execFileSync("ps", ["-ax", "-o", "pid="], { encoding: "utf8" }).split(/\s+/);
  return ids
    .filter((id) => /^\d+$/.test(id) && Number(id) !== process.pid)
    .map(Number)
    .filter((pid) => {
      try {
        const text = processText(pid);
        return texts.some((wanted) => text.includes(wanted));
      } catch {
        return false; // it ended while we looked, or it is another user's
      }
    });
}

export function rssMb(pid: number): number {
  if (!HAS_PROC) return Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" })) / 1024;
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}

/** How many descriptors a process has open. */
export function descriptorCount(pid: number): number {
  if (!HAS_PROC)
    return (
      execFileSync("lsof", ["-p", String(pid)], { encoding: "utf8" })
        .trim()
        .split("\n").length - 1
    );
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** How many sockets a process has. */
export function socketCount(pid: number): number {
  if (!HAS_PROC)
    return (
      execFileSync("lsof", ["-i", "-a", "-p", String(pid)], { encoding: "utf8" })
        .trim()
        .split("\n").length - 1
    );
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith("socket:");
    } catch {
      return false; // it was closed while we looked
    }
  }).length;
}
