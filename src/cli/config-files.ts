// The files that `analyze` and `validate` are pointed at: files, folders, and - for what is piped in.
import { readFileSync, statSync } from "node:fs";
import { extname } from "node:path";
import { findFiles } from "#control-plane/config/file-tree";
import { CommandError } from "./command-error.ts";

export interface ConfigText {
  /** As the user would type it; `-` for what was piped in. */
  readonly name: string;
  readonly text: string;
}

const EXTENSIONS = [".json", ".yaml", ".yml"];
const MAX_FILES = 20_000;
const MAX_FILE_BYTES = 32 * 2 ** 20;

/** @throws CommandError for what cannot be read; `note` hears of files that are passed over */
export function readConfigTexts(paths: readonly string[], recursive: boolean, note: (line: string) => void): readonly ConfigText[] {
  const texts: ConfigText[] = [];
  for (const path of paths) {
    if (path === "-") {
      texts.push({ name: path, text: readText(0, "standard input") });
    } else if (isFolder(path)) {
      const { files, problems, leftOut } = findFiles([path], recursive, MAX_FILES);
      const problem = problems[0];
      if (problem !== undefined) throw new CommandError(`${problem.path} cannot be read: ${problem.reason}`);
      if (leftOut > 0) throw new CommandError(`${path} holds more than ${MAX_FILES} files; name folders below it`);
      for (const file of files) texts.push({ name: file.path, text: readText(file.path, file.path) });
    } else if (!EXTENSIONS.includes(extname(path))) {
      note(`Skipping file ${path}, recognized file extensions are: [${EXTENSIONS.join(" ")}]`);
    } else texts.push({ name: path, text: readText(path, path) });
  }
  return texts;
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw new CommandError(`${path} cannot be read: ${reasonOf(error)}; name a file, a folder or -`);
  }
}

function readText(file: string | 0, name: string): string {
  try {
    if (file !== 0 && statSync(file).size > MAX_FILE_BYTES)
      throw new CommandError(`${name} is larger than ${MAX_FILE_BYTES / 2 ** 20} MiB`);
    return readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`${name} cannot be read: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "it does not exist";
  if (code === "EACCES") return "you may not read it";
  return code ?? String(error);
}
