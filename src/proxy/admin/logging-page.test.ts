import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogLevel } from "#runtime/log";
import type { AdminSource } from "./admin-source.ts";
import { loggingPage } from "./logging-page.ts";

function bench(): (query: string) => string {
  const levels = new Map<string, LogLevel>([
    ["http", "warn"],
    ["main", "warn"],
  ]);
  const loggers = {
    names: [...levels.keys()],
    level: (name: string) => levels.get(name) ?? "off",
    set: (name: string, level: LogLevel) => void levels.set(name, level),
  };
  return (query) => {
    const { status = 200, body } = loggingPage({ loggers } as unknown as AdminSource, new URLSearchParams(query));
    const problem = /^error: (.*)$/m.exec(body)?.[1];
    return `${status} ${problem === undefined ? "" : `${problem}: `}${[...levels].map(([name, level]) => `${name} ${level}`).join(", ")}`;
  };
}

test("one logger, several, or all get a level; nothing is changed when a part of it is wrong", () => {
  const ask = bench();
  assert.equal(ask(""), "200 http warn, main warn");
  assert.equal(ask("http=trace"), "200 http debug, main warn");
  assert.equal(ask("paths=http:error,main:info"), "200 http error, main info");
  assert.equal(ask("paths=http:debug,none:debug"), "400 unknown logger name: http error, main info");
  assert.equal(ask("level=off"), "200 http off, main off");
  assert.equal(ask("level="), "200 http off, main off");
  assert.equal(ask("level=loud"), "400 unknown logger level: http off, main off");
  assert.equal(ask("none=debug"), "400 unknown logger name: http off, main off");
  assert.equal(ask("paths=http"), "400 empty logger name or empty logger level: http off, main off");
  assert.equal(ask("http=debug&main=debug"), "400 invalid number of parameters: http off, main off");
  assert.match(ask("group=http:debug"), /^400 group parameter requires/);
});
