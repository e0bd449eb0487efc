// Generates src/envoy/gen (JavaScript with declarations) from the Envoy API's .proto files and from those in src/envoy/proto.
// The code is built, never committed: `npm ci` runs this through the "prepare" script, and the launcher runs it when the
// folder is missing. Plain JavaScript for Node 20, because it runs before anything else exists.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(import.meta.url);
const out = join(root, "src/envoy/gen");
const stampFile = join(out, ".stamp");

const xds = dirname(require.resolve("@grpc/grpc-js-xds/package.json"));
const pluginVersion = JSON.parse(readFileSync(require.resolve("@bufbuild/protoc-gen-es/package.json"), "utf8")).version;
const xdsVersion = JSON.parse(readFileSync(join(xds, "package.json"), "utf8")).version;
const ownProtos = join(root, "src/envoy/proto");

function* protosUnder(folder, base = folder) {
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* protosUnder(path, base);
    else if (name.endsWith(".proto")) yield relative(base, path);
  }
}

const hash = createHash("sha256")
  .update(`${xdsVersion} ${pluginVersion} `)
  .update(readFileSync(fileURLToPath(import.meta.url)));
for (const path of protosUnder(ownProtos)) hash.update(path).update(readFileSync(join(ownProtos, path)));
const stamp = hash.digest("hex");

if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) process.exit(0);

// The package ships protos whose imports it does not ship: v2 types, opencensus and what refers to them.
const leftOut = (path) =>
  /(^|\/)v2(alpha)?\d*(\/|$)/.test(path) || /opencensus/.test(path) || /envoy\/service\/trace/.test(path) || /envoy\/api/.test(path);

const work = join(root, "build/proto");
rmSync(work, { recursive: true, force: true });
const source = new Map();
for (const folder of ["envoy-api", "xds", "googleapis", "protoc-gen-validate"]) {
  const base = join(xds, "deps", folder);
  for (const path of protosUnder(base)) if (!leftOut(path) && !/^(java|tests)\//.test(path)) source.set(path, join(base, path));
}
const own = [...protosUnder(ownProtos)];
for (const path of own) source.set(path, join(ownProtos, path));

// Keep what can be resolved: a file is dropped when one of its imports is nowhere, until nothing changes.
const imports = new Map(
  [...source].map(([path, file]) => [
    path,
    [...readFileSync(file, "utf8").matchAll(/^import\s+(?:public\s+)?"([^"]+)"/gm)].map((m) => m[1]),
  ]),
);
for (let changed = true; changed;) {
  changed = false;
  for (const [path, wanted] of imports) {
    if (wanted.some((name) => !name.startsWith("google/protobuf/") && !imports.has(name))) {
      imports.delete(path);
      changed = true;
    }
  }
}
const needed = new Set();
const visit = (path) => {
  if (needed.has(path) || !imports.has(path)) return;
  needed.add(path);
  for (const name of imports.get(path)) visit(name);
};
for (const path of imports.keys()) if (path.startsWith("envoy/") || path.startsWith("udpa/type/") || path.startsWith("xds/")) visit(path);
for (const path of own) visit(path);

// The shipped files are older than what uses them: fields to add, after the line that opens the message or the one before in it.
const ADDITIONS = new Map([
  ["validate/validate.proto", { field: "optional bool ignore_empty = 26;", after: "message StringRules {" }],
  [
    "envoy/config/cluster/v3/cluster.proto",
    { field: "google.protobuf.Duration dns_jitter = 58;", after: "repeated string lrs_report_endpoint_metrics = 57;" },
  ],
]);

for (const path of needed) {
  const target = join(work, path);
  mkdirSync(dirname(target), { recursive: true });
  cpSync(source.get(path), target);
  const addition = ADDITIONS.get(path);
  if (addition === undefined) continue;
  const text = readFileSync(target, "utf8");
  if (!text.includes(addition.after)) throw new Error(`${path}: no ${addition.after} to add a field to`);
  if (!text.includes(addition.field)) writeFileSync(target, text.replace(addition.after, `${addition.after}\n  ${addition.field}`));
}

const fresh = `${out}.new-${process.pid}`;
rmSync(fresh, { recursive: true, force: true });
writeFileSync(join(work, "buf.yaml"), "version: v2\n");
const plugin = {
  local: [process.execPath, require.resolve("@bufbuild/protoc-gen-es/package.json").replace("package.json", "bin/protoc-gen-es")],
  out: fresh,
  strategy: "all",
  opt: ["target=js+dts", "import_extension=js"],
};
const template = JSON.stringify({ version: "v2", plugins: [plugin] });
const started = Date.now();
const buf = require.resolve("@bufbuild/buf/package.json").replace("package.json", "bin/buf");
const result = spawnSync(process.execPath, [buf, "generate", "--template", template, work], {
  cwd: work,
  stdio: ["ignore", "inherit", "inherit"],
});
if (result.status !== 0) {
  console.error("generate-envoy: buf generate failed; the messages above say which .proto file");
  process.exit(result.status ?? 1);
}
writeFileSync(join(fresh, ".stamp"), stamp);
rmSync(out, { recursive: true, force: true });
mkdirSync(dirname(out), { recursive: true });
renameSync(fresh, out);
rmSync(work, { recursive: true, force: true });
console.error(`generate-envoy: ${needed.size} files in ${((Date.now() - started) / 1000).toFixed(1)} s`);
