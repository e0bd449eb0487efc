// `mizzen edit`: an object in the user's editor, checked when it comes back; what is wrong is said at the top and the editor opens again.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findingText } from "#api/finding";
import { parseFile } from "#api/parse-file";
import { CommandError } from "./command-error.ts";
import { ApiError } from "./kubernetes/api-error.ts";
import { discover } from "./kubernetes/discovery.ts";
import { objectYaml } from "./kubernetes/object-output.ts";
import { objectText, type KubernetesObject } from "./kubernetes/objects.ts";
import { resolveObjects, type ResolvedObject } from "./kubernetes/resolved-objects.ts";
import { withTarget, type Target, type TargetOptions } from "./kubernetes/target.ts";

const HEAD = `# Please edit the object below. Lines that begin with # are ignored, and an empty file ends without a change.
# What is wrong when it is saved is said here, and the editor opens again.
#
`;

export async function edit(words: readonly string[], options: TargetOptions): Promise<void> {
  await withTarget(options, async (target) => {
    const objects = await resolveObjects(words, await discover(target.client), target);
    for (const one of objects) await editOne(one, target);
  });
}

async function editOne(one: ResolvedObject, target: Target): Promise<void> {
  const { client } = target;
  const before = await client.get<KubernetesObject>(one.path);
  const folder = mkdtempSync(join(tmpdir(), "mizzen-edit-"));
  const file = join(folder, `${one.name}.yaml`);
  const original = objectYaml(before);
  let body = original;
  let problem = "";
  for (;;) {
    const shown = `${HEAD}${problem === "" ? "" : `${problem.replaceAll(/^/gmu, "# ")}\n#\n`}${body}`;
    writeFileSync(file, shown, { mode: 0o600 });
    openEditor(file);
    const text = readFileSync(file, "utf8");
    const edited = text.replaceAll(/^#.*\n?/gmu, "");
    if (edited.trim() === "" || edited === original) {
      rmSync(folder, { recursive: true, force: true });
      process.stderr.write("Edit cancelled, no changes made.\n");
      return;
    }
    if (problem !== "" && edited === body)
      throw new CommandError(
        `${problem}\nA copy of your changes has been stored to "${file}"\nEdit cancelled, no valid changes were saved.`,
      );
    body = edited;
    const found = await saved(edited, one, before, target);
    if (typeof found !== "string") {
      rmSync(folder, { recursive: true, force: true });
      process.stdout.write(`${objectText(found)} edited\n`);
      return;
    }
    problem = found;
  }
}

/** The object as it is now, or what keeps it from being saved. */
async function saved(
  text: string,
  one: ResolvedObject,
  before: KubernetesObject,
  { client, namespace }: Target,
): Promise<KubernetesObject | string> {
  const [document, ...more] = parseFile(text, `${one.name}.yaml`, { namespace, isMeshConfig: false });
  if (document === undefined || more.length > 0) return "the file must hold the one object";
  const errors = document.findings.filter(({ level }) => level === "error");
  if (errors.length > 0) return errors.map(findingText).join("\n");
  const object = document.rawValue() as KubernetesObject;
  const { name, namespace: inNamespace } = object.metadata;
  if (object.kind !== before.kind || name !== before.metadata.name || inNamespace !== before.metadata.namespace)
    return "kind, name and namespace of an object cannot be changed";
  try {
    const query = { fieldManager: "mizzen-edit", fieldValidation: "Strict" };
    return (await client.call<KubernetesObject>(one.path, { method: "PUT", body: object, query })).body;
  } catch (error) {
    if (error instanceof ApiError && error.code !== 401 && error.code !== 403) return error.message;
    throw error;
  }
}

function openEditor(file: string): void {
  const { KUBE_EDITOR, EDITOR, SHELL } = process.env;
  const editor = [KUBE_EDITOR, EDITOR].find((one) => (one ?? "") !== "") ?? "vi";
  // By a shell: an editor may be a command with arguments.
  const { status, error } = spawnSync(SHELL ?? "/bin/sh", ["-c", `${editor} "$0"`, file], { stdio: "inherit" });
  if (status !== 0)
    throw new CommandError(`there was a problem with the editor "${editor}"${error === undefined ? "" : `: ${error.message}`}`);
}
