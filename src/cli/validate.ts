// `mizzen validate`: whether each object of the files is one that the mesh accepts.
import type { Finding } from "#api/finding";
import { parseFile } from "#api/parse-file";
import { CommandError } from "./command-error.ts";
import { readConfigTexts } from "./config-files.ts";
import { reportText } from "./finding-report.ts";
import { wantsColor } from "./terminal-log.ts";
import { yamlText } from "./yaml-text.ts";

export interface ValidateOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly namespace?: string;
  readonly output?: string;
}

const FORMATS = ["text", "json", "yaml"];

interface FileVerdict {
  readonly file: string;
  readonly isValid: boolean;
  readonly objects: number;
  readonly findings: readonly Finding[];
}

export function validate(paths: readonly string[], options: ValidateOptions): void {
  const format = options.output ?? "text";
  if (!FORMATS.includes(format)) throw new CommandError(`-o ${format} is not one of ${FORMATS.join(", ")}`, 2);
  const named = [...(options.filename ?? []), ...paths];
  if (named.length === 0) throw new CommandError("name what to validate: -f FILE, -f DIR, or -f - for standard input", 2);
  const texts = readConfigTexts(named, options.recursive === true, (line) => void process.stderr.write(`${line}\n`));
  const verdicts = texts.map(({ name, text }): FileVerdict => {
    const documents = parseFile(text, name, { namespace: options.namespace ?? "default" });
    const findings = documents.flatMap((document) => document.findings);
    return { file: name, isValid: findings.every(({ level }) => level !== "error"), objects: documents.length, findings };
  });
  if (format === "json") process.stdout.write(`${JSON.stringify(verdicts, undefined, 2)}\n`);
  else if (format === "yaml") process.stdout.write(yamlText(verdicts, { aliasDuplicateObjects: false }));
  else {
    const byName = new Map(texts.map(({ name, text }) => [name, text]));
    const colors = wantsColor(process.stdout, process.env);
    for (const { file, isValid, findings } of verdicts) {
      process.stdout.write(reportText(findings, { format: "log", colors, textOf: (name) => byName.get(name) }));
      if (isValid) process.stdout.write(`${JSON.stringify(file)} is valid\n`);
    }
  }
  const invalid = verdicts.filter(({ isValid }) => !isValid).map(({ file }) => file);
  if (invalid.length > 0)
    throw new CommandError(`not valid: ${invalid.slice(0, 5).join(", ")}${invalid.length > 5 ? ` and ${invalid.length - 5} more` : ""}`);
}
