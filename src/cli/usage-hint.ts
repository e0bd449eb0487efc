// What stands behind a refusal of the command line itself: what was probably meant. Pure.

/** What kubectl has and mizzen leaves to it. */
const OF_KUBECTL: ReadonlySet<string> = new Set([
  "annotate",
  "api-resources",
  "api-versions",
  "auth",
  "cluster-info",
  "config",
  "create",
  "events",
  "explain",
  "expose",
  "label",
  "patch",
  "replace",
  "rollout",
  "scale",
  "set",
]);

export function usageHint(message: string): string {
  const [, command] = /too many arguments for '(up|control-plane)'/u.exec(message) ?? [];
  if (command !== undefined) return `folders and files are named with -f: mizzen ${command} -f PATH`;
  const [, unknown = ""] = /unknown command '([^']+)'/u.exec(message) ?? [];
  return OF_KUBECTL.has(unknown) ? `kubectl has it: mizzen kubectl -- ${unknown} ...` : "see mizzen --help";
}
