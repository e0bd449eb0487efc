// The packed package, installed globally into a folder of its own, runs Bookinfo.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { withGatewayPort } from "../harness/bookinfo-port.ts";
import { freePort } from "../harness/free-port.ts";
import { call, eventually, ROOT } from "../harness/mesh.ts";

function npm(args: readonly string[], cwd: string): string {
  const result = spawnSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  assert.equal(result.status, 0, `npm ${args.join(" ")}: ${result.stderr.slice(-3000)}`);
  return result.stdout;
}

test("npm pack and a global install of the tarball give a mizzen that runs Bookinfo", { timeout: 240_000 }, async () => {
  const work = mkdtempSync(join(tmpdir(), "mizzen-package-"));
  let child: ReturnType<typeof spawn> | undefined;
  try {
    npm(["pack", "--silent", "--pack-destination", work], ROOT);
    const tarball = readdirSync(work).find((name) => name.endsWith(".tgz"));
    assert.ok(tarball !== undefined, "npm pack made a tarball");
    const prefix = join(work, "prefix");
    npm(["install", "--global", "--prefix", prefix, "--no-audit", "--no-fund", join(work, tarball)], work);
    const binary = join(prefix, "bin/mizzen");
    assert.ok(existsSync(binary));
    const version = spawnSync(binary, ["version"], { encoding: "utf8" });
    assert.equal(version.status, 0, version.stderr);
    assert.match(
      version.stdout,
      new RegExp((JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string }).version.replaceAll(".", "\\.")),
    );

    const directory = join(work, "bookinfo");
    cpSync(join(prefix, "lib/node_modules/mizzen/dist/samples/bookinfo"), directory, {
      recursive: true,
      filter: (path) => !path.endsWith("networking"),
    });
    const port = await freePort();
    const gatewayFile = join(directory, "bookinfo-gateway.yaml");
    writeFileSync(gatewayFile, withGatewayPort(readFileSync(gatewayFile, "utf8"), port));
    let output = "";
    child = spawn(binary, ["up", "-f", directory, "--data-dir", join(work, "data")], {
      cwd: work,
      env: { ...process.env, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    await eventually("Bookinfo's page comes", 30_000, async () => {
      if (child?.exitCode !== null) throw new Error(output);
      const answer = await call(`http://127.0.0.1:${port}/productpage`);
      return answer.status === 200 && answer.body.includes("Comedy of Errors") ? true : undefined;
    }).catch((error: unknown) => {
      throw new Error(output.slice(-6000), { cause: error });
    });
  } finally {
    if (child !== undefined && child.exitCode === null) {
      const ended = new Promise((done) => child?.on("exit", done));
      child.kill("SIGTERM");
      await ended;
    }
    rmSync(work, { recursive: true, force: true });
  }
});
