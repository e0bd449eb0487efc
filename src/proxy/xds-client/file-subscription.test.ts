import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, test } from "node:test";
import type { DeltaDiscoveryResponse } from "#envoy/gen/envoy/service/discovery/v3/discovery_pb";
import { CLUSTER_TYPE, ENDPOINT_TYPE } from "#envoy/type-urls";
import { silentLog } from "#runtime/log";
import { FileSubscription } from "./file-subscription.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "mizzen-file-subscription-"));
  folders.push(made);
  return made;
}

const clusters = (version: string, ...names: string[]): string =>
  `version_info: "${version}"\nresources:\n${names.map((name) => `- "@type": ${CLUSTER_TYPE}\n  name: ${name}\n`).join("")}`;

/** What the subscription says, one thing after the other. */
function follow(path: string, type: string, watchedDirectory?: string): { next: () => Promise<string>; subscription: FileSubscription } {
  const said: string[] = [];
  const waiting: ((text: string) => void)[] = [];
  const say = (text: string): void => {
    const first = waiting.shift();
    if (first === undefined) said.push(text);
    else first(text);
  };
  const describe = ({ resources, removedResources }: DeltaDiscoveryResponse): string =>
    [...resources.map(({ name, version }) => `${name}@${version}`), ...removedResources.map((name) => `-${name}`)].join(" ");
  const subscription = new FileSubscription({
    source: { kind: "path", path, watchedDirectory },
    type,
    log: silentLog,
    onResponse: (response) => {
      say(describe(response));
      return Promise.resolve("");
    },
    onUnreadable: () => say("unreadable"),
  });
  const next = (): Promise<string> => {
    const first = said.shift();
    return first === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(first);
  };
  return { next, subscription };
}

test("a file is read at the start and when another is moved to its name; one that cannot be read changes nothing", async () => {
  const path = join(folder(), "cds.yaml");
  const move = (text: string): void => {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  };
  move(clusters("1", "a", "b"));
  const { next, subscription } = follow(path, CLUSTER_TYPE);
  subscription.start();
  assert.equal(await next(), "a@1 b@1");
  move(clusters("2", "b"));
  assert.equal(await next(), "b@2 -a");
  move("version_info: [");
  assert.equal(await next(), "unreadable");
  move(clusters("3", "c"));
  assert.equal(await next(), "c@3 -b");
  subscription.close();
});

test("a watched directory is that of a mounted ConfigMap: a symbolic link in it is moved", async () => {
  const mount = folder();
  const version = (name: string, text: string): void => {
    mkdirSync(join(mount, name));
    writeFileSync(join(mount, name, "cds.json"), text);
    symlinkSync(name, join(mount, "..data_tmp"));
    renameSync(join(mount, "..data_tmp"), join(mount, "..data"));
  };
  version("..1", JSON.stringify({ version_info: "1", resources: [{ "@type": CLUSTER_TYPE, name: "a" }] }));
  const { next, subscription } = follow(join(mount, "..data/cds.json"), CLUSTER_TYPE, mount);
  subscription.start();
  assert.equal(await next(), "a@1");
  version("..2", JSON.stringify({ version_info: "2", resources: [{ "@type": CLUSTER_TYPE, name: "a" }] }));
  let seen = await next();
  // The directory and the first link were made in it as well, and each move is a reason to read.
  while (seen === "a@1") seen = await next();
  assert.equal(seen, "a@2");
  subscription.close();
});

test("of endpoints those that are wanted are taken, also when they are wanted later", async () => {
  const path = join(folder(), "eds.yaml");
  writeFileSync(path, `resources:\n- "@type": ${ENDPOINT_TYPE}\n  cluster_name: a\n- "@type": ${ENDPOINT_TYPE}\n  cluster_name: b\n`);
  const { next, subscription } = follow(path, ENDPOINT_TYPE);
  subscription.want(new Set(["a"]));
  subscription.start();
  assert.equal(await next(), "a@");
  subscription.want(new Set(["a", "b"]));
  assert.equal(await next(), "a@ b@");
  subscription.close();
});
