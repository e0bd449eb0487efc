import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog } from "#runtime/log";
import type { LogLevel } from "#runtime/log";
import { Loggers } from "./loggers.ts";

test("each logger has its level, and the log below lets through what the most talkative one wants", () => {
  const lines: string[] = [];
  const logging: { level: LogLevel } = { level: "warn" };
  const log = createLog({
    get level() {
      return logging.level;
    },
    format: "text",
    write: (line) => lines.push(line.replace(/^\S+ /, "")),
    wallMs: () => 0,
  });
  const loggers = new Loggers(logging);
  const [http, config] = [loggers.of("http", log), loggers.of("config", log)];
  http.info("a");
  assert.deepEqual(lines, []);
  loggers.set("http", "debug");
  http.debug("b");
  config.info("c");
  config.scope("s").warn("d");
  assert.deepEqual(lines, ["debug b", "warn  s: d"]);
  loggers.set("http", "off");
  http.error("e");
  assert.equal(logging.level, "warn");
  assert.equal(lines.length, 2);
});
