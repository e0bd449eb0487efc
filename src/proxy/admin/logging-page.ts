// `/logging`: shows the levels of the named loggers, and changes them. Words and their order are Envoy's.
import type { LogLevel } from "#runtime/log";
import type { AdminSource } from "./admin-source.ts";
import type { Answer, PageParameter } from "./page.ts";

/** Envoy's levels, and which of the log's each is. */
const LEVELS = { trace: "debug", debug: "debug", info: "info", warning: "warn", error: "error", critical: "error", off: "off" } as const;

export const LOGGING_PARAMETERS: readonly PageParameter[] = [
  { name: "paths", help: "Change several levels: name1:level1,name2:level2" },
  { name: "level", help: "Change the level of all loggers", choices: ["", ...Object.keys(LEVELS)] },
];

const USAGE = `
usage: /logging?<name>=<level> (change single level)
usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)
usage: /logging?level=<level> (change all levels)
usage: /logging?group=<group_name>:<level> (change group of loggers)
levels: ${Object.keys(LEVELS).join(" ")} 
`;

interface Change {
  readonly logger: string;
  readonly level: LogLevel;
}

export function loggingPage({ loggers }: AdminSource, query: URLSearchParams): Answer {
  const changes = readChanges(query, loggers.names);
  if (typeof changes !== "string") for (const { logger, level } of changes) loggers.set(logger, level);
  const lines = loggers.names.map((name) => `  ${name}: ${envoyLevel(loggers.level(name))}\n`);
  const active = `active loggers:\n${lines.join("")}\n`;
  return typeof changes === "string" ? { status: 400, body: `error: ${changes}\n${USAGE}${active}` } : { body: active };
}

export function envoyLevel(level: LogLevel): string {
  return level === "warn" ? "warning" : level;
}

/** All of them, or what is wrong with one: then none is made. */
function readChanges(query: URLSearchParams, names: readonly string[]): readonly Change[] | string {
  if (query.size > 1) return "invalid number of parameters";
  const [first] = query;
  // An empty choice of the form changes nothing.
  if (first === undefined || (first[1] === "" && (first[0] === "level" || first[0] === "paths"))) return [];
  const [key, value] = first;
  if (key === "group") return "group parameter requires fine-grain logging to be enabled";
  if (key === "level")
    return changesOf(
      names.map((name) => [name, value]),
      names,
    );
  if (key !== "paths") return changesOf([[key, value]], names);
  const pairs = value.split(",").map((pair): readonly [string, string] => {
    const [name = "", level = ""] = pair.split(":");
    return [name, level];
  });
  return pairs.some(([name, level]) => name === "" || level === "") ? "empty logger name or empty logger level" : changesOf(pairs, names);
}

function changesOf(pairs: readonly (readonly [name: string, level: string])[], names: readonly string[]): readonly Change[] | string {
  const changes: Change[] = [];
  for (const [logger, level] of pairs) {
    if (!Object.hasOwn(LEVELS, level)) return "unknown logger level";
    if (!names.includes(logger)) return "unknown logger name";
    changes.push({ logger, level: LEVELS[level as keyof typeof LEVELS] });
  }
  return changes;
}
