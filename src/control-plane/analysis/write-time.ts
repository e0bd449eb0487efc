// What is an error of a mesh that runs, and no reason to refuse an object that is written: its workloads may come later. Pure.
import type { Finding } from "#api/finding";

const ABOUT_WORKLOADS: ReadonlySet<string> = new Set(["IST0143", "IST0147", "IST0156", "IST0173"]);
const SELECTORS = /^spec\.(?:selector|workloadSelector)\b/u;

/** A finding as it is said to who writes the object. */
export function atWriteTime(finding: Finding): Finding {
  const { code, field = "", level } = finding;
  const isOfWorkloads = ABOUT_WORKLOADS.has(code) || (code === "IST0101" && SELECTORS.test(field));
  return isOfWorkloads && level === "error" ? { ...finding, level: "warning" } : finding;
}
