// One logger for every process. Lines go to a sink that the composition root chooses; levels and form are data, not environment.

export const LOG_LEVELS = ["debug", "info", "warn", "error", "off"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFormat = "text" | "json";
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log whose lines carry `scope`, e.g. "xds" or "config". */
  scope(scope: string): Log;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly write: (line: string) => void;
  readonly wallMs: () => number;
}

function textLine(time: string, level: string, scope: string, message: string, fields: LogFields | undefined): string {
  let line = `${time} ${level.padEnd(5)} ${scope === "" ? "" : `${scope}: `}${message}`;
  if (fields !== undefined) {
    for (const [key, value] of Object.entries(fields)) {
      if (value === undefined) continue;
      const text = String(value);
      line += ` ${key}=${/[\s"=]/.test(text) || text === "" ? JSON.stringify(text) : text}`;
    }
  }
  return line;
}

/** Makes the root log of a process. Lines end without a newline: the sink adds it. */
export function createLog(options: LogOptions, scope = ""): Log {
  const emit = (level: LogLevel, message: string, fields?: LogFields): void => {
    // Asked each time: an operator may change the level.
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(options.level)) return;
    const time = new Date(options.wallMs()).toISOString();
    options.write(
      options.format === "json"
        ? JSON.stringify({ time, level, ...(scope === "" ? {} : { scope }), message, ...fields })
        : textLine(time, level, scope, message, fields),
    );
  };
  return {
    debug: (message, fields) => emit("debug", message, fields),
    info: (message, fields) => emit("info", message, fields),
    warn: (message, fields) => emit("warn", message, fields),
    error: (message, fields) => emit("error", message, fields),
    scope: (name) => createLog(options, scope === "" ? name : `${scope}.${name}`),
  };
}

export const silentLog: Log = createLog({ level: "off", format: "text", write: () => {}, wallMs: () => 0 });
