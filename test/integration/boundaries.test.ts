// The linter's import directions, tried: a forbidden import in each folder must be refused, and what the architecture allows must pass.
// A rule whose pattern matches nothing looks like a rule that everybody keeps.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { ROOT } from "../harness/mesh.ts";

const FORBIDDEN: readonly (readonly [file: string, imported: string])[] = [
  ["src/api/a.ts", "#control-plane/control-plane"],
  ["src/api/a.ts", "#envoy/any"],
  ["src/api/virtual-service/a.ts", "../kinds.ts"],
  ["src/control-plane/a.ts", "#proxy/config-error"],
  ["src/control-plane/config/a.ts", "#control-plane/registry/service"],
  ["src/control-plane/config/a.ts", "#envoy/any"],
  ["src/control-plane/api-server/a.ts", "#control-plane/mesh/mesh"],
  ["src/control-plane/registry/a.ts", "#control-plane/mesh/mesh"],
  ["src/control-plane/mesh/a.ts", "#control-plane/generate/resources"],
  ["src/control-plane/generate/a.ts", "#control-plane/xds/debounce"],
  ["src/control-plane/generate/a.ts", "#control-plane/config/store"],
  ["src/control-plane/generate/a.ts", "node:fs"],
  ["src/control-plane/xds/a.ts", "#proxy/config-error"],
  ["src/control-plane/debug/a.ts", "#agent/probe"],
  ["src/proxy/a.ts", "#control-plane/mesh/mesh"],
  ["src/proxy/a.ts", "#api/kinds"],
  ["src/proxy/http/a.ts", "node:net"],
  ["src/proxy/data-plane/a.ts", "node:http"],
  ["src/proxy/filters/fault/a.ts", "#cli/main"],
  ["src/proxy/net/a.ts", "#api/kinds"],
  ["src/proxy/admin/a.ts", "#control-plane/mesh/mesh"],
  ["src/proxy/codec/a.ts", "node:buffer"],
  ["src/proxy/codec/http1/a.ts", "#runtime/invariant"],
  ["src/proxy/codec/http1/a.ts", "../http2/frame.ts"],
  ["src/matcher/a.ts", "#proxy/config-error"],
  ["src/telemetry/a.ts", "#proxy/config-error"],
  ["src/runtime/a.ts", "#api/kinds"],
  ["src/envoy/a.ts", "#proxy/config-error"],
  ["src/agent/a.ts", "#proxy/config-error"],
  ["src/agent/a.ts", "#embedded/backoff"],
  ["src/runtime/a.ts", "#envoy/any"],
  ["src/embedded/a.ts", "#control-plane/mesh/mesh"],
  ["src/cli/a.ts", "../agent/probe.ts"],
];

const ALLOWED: readonly (readonly [file: string, imported: string])[] = [
  ["src/api/b.ts", "#matcher/regex"],
  ["src/control-plane/config/b.ts", "#api/kinds"],
  ["src/control-plane/generate/b.ts", "#control-plane/mesh/mesh"],
  ["src/control-plane/xds/b.ts", "#control-plane/generate/resources"],
  ["src/proxy/net/b.ts", "node:net"],
  ["src/proxy/admin/b.ts", "node:http"],
  ["src/proxy/codec/http1/b.ts", "./characters.ts"],
  ["src/proxy/codec/proxy-protocol/b.ts", "#proxy/codec/ip-address"],
  ["src/proxy/http/b.ts", "#telemetry/stats/store"],
  ["src/agent/b.ts", "#envoy/any"],
  ["src/cli/b.ts", "#control-plane/control-plane"],
];

const OTHERS: readonly (readonly [file: string, text: string, rule: string])[] = [
  ["src/runtime/cycle-a.ts", 'export { b } from "./cycle-b.ts";\nexport const a = 1;\n', "import/no-cycle"],
  ["src/runtime/cycle-b.ts", 'export { a } from "./cycle-a.ts";\nexport const b = 1;\n', "import/no-cycle"],
  ["src/embedded/env.ts", "export const home = process.env.HOME;\n", "node/no-process-env"],
  ["src/embedded/timer.ts", "export const soon = setTimeout(() => {}, 1);\n", "eslint/no-restricted-globals"],
  ["src/embedded/now.ts", "export const now = Date.now();\n", "eslint/no-restricted-properties"],
  ["src/agent/default.ts", "export default 1;\n", "import/no-default-export"],
  ["src/matcher/loose.ts", "export const loose = (value: any): unknown => value;\n", "typescript/no-explicit-any"],
];

/** Diagnostics as `file rule`, of the repository's own configuration over a tree that holds nothing but these files. */
function lint(files: ReadonlyMap<string, string>): string[] {
  const tree = mkdtempSync(join(tmpdir(), "mizzen-boundaries-"));
  after(() => rmSync(tree, { recursive: true, force: true }));
  cpSync(join(ROOT, ".oxlintrc.json"), join(tree, ".oxlintrc.json"));
  cpSync(join(ROOT, "package.json"), join(tree, "package.json"));
  cpSync(join(ROOT, "tsconfig.json"), join(tree, "tsconfig.json"));
  symlinkSync(join(ROOT, "node_modules"), join(tree, "node_modules"));
  for (const [file, text] of files) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    writeFileSync(join(tree, file), text);
  }
  // The launcher is JavaScript of the package oxlint. Types play no part here: what is imported does not exist.
  const oxlint = join(ROOT, "node_modules/oxlint/bin/oxlint");
  const run = spawnSync(process.execPath, [oxlint, "--quiet", "--format", "json", "src"], { cwd: tree, encoding: "utf8" });
  const { diagnostics } = JSON.parse(run.stdout) as { diagnostics: { filename: string; code: string }[] };
  return diagnostics.map(({ filename, code }) => `${filename} ${code}`);
}

/** Each import in a file of its own, so that each must be refused for itself. */
function importing(pairs: readonly (readonly [file: string, imported: string])[]): Map<string, string> {
  return new Map(
    pairs.map(([file, imported], index) => [
      file.replace(/(\w)\.ts$/, `$1${index}.ts`),
      `import { thing } from "${imported}";\nexport const other = thing;\n`,
    ]),
  );
}

test("every forbidden import is refused, folder by folder", () => {
  const files = importing(FORBIDDEN);
  const found = lint(files);
  const missing = [...files]
    .filter(([file]) => !found.includes(`${file} eslint(no-restricted-imports)`))
    .map(([file, text]) => `${file}: ${text}`);
  assert.deepEqual(missing, []);
});

test("imports in the direction of the architecture pass", () => {
  assert.deepEqual(lint(importing(ALLOWED)), []);
});

test("cycles, timers, the environment outside the command line, default exports and any are refused", () => {
  const found = lint(new Map(OTHERS.map(([file, text]) => [file, text])));
  for (const [file, , rule] of OTHERS) {
    const [plugin, name] = rule.split("/");
    assert.ok(
      found.some((line) => line.startsWith(file) && line.includes(`(${name})`)),
      `${plugin}/${name} in ${file}; found: ${found.join(", ")}`,
    );
  }
});
