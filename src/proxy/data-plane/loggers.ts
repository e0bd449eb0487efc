// The named loggers of the process, with Envoy's names, each with a level of its own. The log below lets through what the most talkative
// of them wants; each holds back what is below its own level.
import type { AdminLoggers } from "#proxy/admin/admin-source";
import { LOG_LEVELS } from "#runtime/log";
import type { Log, LogFields, LogLevel } from "#runtime/log";

/** `conn_handler` accepts connections, `file` writes access logs, `upstream` has the pools; `main` is everything else. */
const LOGGER_NAMES = ["admin", "config", "conn_handler", "file", "http", "main", "upstream"] as const;
export type LoggerName = (typeof LOGGER_NAMES)[number];

export function isLoggerName(name: string): name is LoggerName {
  return (LOGGER_NAMES as readonly string[]).includes(name);
}

export class Loggers implements AdminLoggers {
  readonly names = LOGGER_NAMES;
  /** What the log below obeys. */
  readonly #logging: { level: LogLevel };
  readonly #levels: Map<string, LogLevel>;

  constructor(logging: { level: LogLevel }) {
    this.#logging = logging;
    this.#levels = new Map(LOGGER_NAMES.map((name) => [name, logging.level] as const));
  }

  level(name: string): LogLevel {
    return this.#levels.get(name) ?? this.#logging.level;
  }

  set(name: string, level: LogLevel): void {
    this.#levels.set(name, level);
    const lowest = Math.min(...[...this.#levels.values()].map((one) => LOG_LEVELS.indexOf(one)));
    this.#logging.level = LOG_LEVELS[lowest] ?? level;
  }

  of(name: LoggerName, log: Log): Log {
    const at = (level: Exclude<LogLevel, "off">) => (message: string, fields?: LogFields) => {
      if (LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(this.level(name))) log[level](message, fields);
    };
    return {
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      scope: (scope) => this.of(name, log.scope(scope)),
    };
  }
}
