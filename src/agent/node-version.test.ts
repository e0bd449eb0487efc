import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findOnPath, nodeVersion, programOf, readsProxyFromEnvironment, startsNode } from "./node-version.ts";

describe("which node a command starts", () => {
  it("skips what a shell allows in front of the program", () => {
    assert.equal(programOf("SERVICE_VERSION=v1 node reviews.ts"), "node");
    assert.equal(programOf("  exec env A=1 python3 -m http.server"), "python3");
    assert.equal(programOf(""), "");
    assert.equal(startsNode("nodemon app.js"), false);
    assert.equal(startsNode("A_1=x node app.js"), true);
  });

  it("knows from which version on NODE_USE_ENV_PROXY works", () => {
    const cases: readonly (readonly [string, boolean])[] = [
      ["v20.19.4", false],
      ["v22.20.0", false],
      ["v22.21.0", true],
      ["v23.11.0", false],
      ["v24.0.0", true],
      ["26.10.0", true],
      ["nonsense", false],
    ];
    for (const [version, expected] of cases) assert.equal(readsProxyFromEnvironment(version), expected, version);
  });

  it("finds a program on a PATH and asks it for its version", async () => {
    assert.match(findOnPath("sh", "/nowhere:/bin:/usr/bin") ?? "", /\/sh$/);
    assert.equal(findOnPath("no-such-program-here", "/bin:/usr/bin"), undefined);
    assert.equal(await nodeVersion(process.execPath), process.version);
    assert.equal(await nodeVersion("/bin/sh"), undefined);
  });
});
