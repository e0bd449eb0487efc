// `-o` of commands that print objects: json, yaml, name, jsonpath, custom-columns. Pure but for files that hold templates.
import { readFileSync } from "node:fs";
import { CommandError } from "#cli/command-error";
import { table } from "#cli/table";
import { yamlText } from "#cli/yaml-text";
import { parsePath, parseTemplate, render, valuesAt, valueText } from "./jsonpath.ts";
import { objectText, sorted, withoutManagedFields, type KubernetesObject } from "./objects.ts";

/** Prints objects; `isList`: one List of them, as when they were not asked for by one name. */
export type Printer = (objects: readonly KubernetesObject[], isList: boolean) => string;

export interface OutputOptions {
  readonly showManagedFields?: boolean;
  readonly headers?: boolean;
}

const FORMATS = ["json", "yaml", "name", "wide", "jsonpath", "jsonpath-file", "jsonpath-as-json", "custom-columns", "custom-columns-file"];
const GO_TEMPLATES = ["go-template", "go-template-file", "template", "templatefile"];

/** undefined: a table, which the server makes. @throws CommandError for a format that is not there */
export function printerFor(output: string | undefined, options: OutputOptions = {}): Printer | undefined {
  const [format = "", ...rest] = (output ?? "").split("=");
  const argument = rest.join("=");
  const needed = (what: string): string => {
    if (argument === "") throw new CommandError(`-o ${format} needs ${what}: -o ${format}=...`, 2);
    return argument;
  };
  const shown = (objects: readonly KubernetesObject[]): readonly KubernetesObject[] =>
    options.showManagedFields === true ? objects : objects.map(withoutManagedFields);
  switch (format) {
    case "":
    case "wide":
      return undefined;
    case "json":
      return (objects, isList) => `${JSON.stringify(sorted(whole(shown(objects), isList)), undefined, 4)}\n`;
    case "yaml":
      return (objects, isList) => yamlText(sorted(whole(shown(objects), isList)), YAML);
    case "name":
      return (objects) => objects.map((object) => `${objectText(object)}\n`).join("");
    case "jsonpath":
      return templated(needed("a template"));
    case "jsonpath-file":
      return templated(fileText(needed("a file")));
    case "jsonpath-as-json":
      return asJson(needed("a template"));
    case "custom-columns":
      return columns(needed("columns, like NAME:.metadata.name").split(","), options.headers !== false);
    case "custom-columns-file":
      return columns(columnsOfFile(needed("a file")), options.headers !== false);
    default:
      if (GO_TEMPLATES.includes(format))
        throw new CommandError(`-o ${format} is kubectl's alone; use -o jsonpath=..., or mizzen kubectl -- get ...`, 2);
      throw new CommandError(
        `unable to match a printer suitable for the output format "${format}", allowed formats are: ${FORMATS.join(",")}`,
        2,
      );
  }
}

/** As kubectl writes YAML: lists not indented, long lines kept, texts quoted that YAML 1.1 would read as something else. */
const YAML = { version: "1.1", indentSeq: false, lineWidth: 0, aliasDuplicateObjects: false } as const;

export function objectYaml(object: KubernetesObject): string {
  return yamlText(sorted(withoutManagedFields(object)), YAML);
}

function whole(objects: readonly KubernetesObject[], isList: boolean): unknown {
  const [only] = objects;
  if (!isList && objects.length === 1) return only;
  return { apiVersion: "v1", items: objects, kind: "List", metadata: { resourceVersion: "" } };
}

function templated(text: string): Printer {
  const template = parseTemplate(text);
  return (objects, isList) => render(template, whole(objects, isList));
}

function asJson(text: string): Printer {
  const [part, ...more] = parseTemplate(text);
  if (part?.is !== "path" || more.length > 0) throw new CommandError(`-o jsonpath-as-json=${text} must be one path in braces`, 2);
  return (objects, isList) => `${JSON.stringify(valuesAt(whole(objects, isList), part.path), undefined, 4)}\n`;
}

function columns(written: readonly string[], headers: boolean): Printer {
  const parsed = written.map((column) => {
    const colon = column.indexOf(":");
    if (colon <= 0) throw new CommandError(`unexpected custom-columns spec: ${column}, expected <header>:<json-path-expr>`, 2);
    // Relaxed, as kubectl takes them: `metadata.name`, `.metadata.name` and `{.metadata.name}`.
    const path = column.slice(colon + 1).replace(/^\{(.*)\}$/u, "$1");
    return { head: column.slice(0, colon), path: parsePath(path.startsWith(".") || path.startsWith("[") ? path : `.${path}`) };
  });
  return (objects) => {
    const rows = objects.map((object) =>
      parsed.map(({ path }) => {
        const values = valuesAt(object, path);
        return values.length === 0 ? "<none>" : values.map((value) => (value === null ? "<nil>" : valueText(value))).join(",");
      }),
    );
    const text = table(
      parsed.map(({ head }) => head),
      rows,
    );
    return headers ? text : text.slice(text.indexOf("\n") + 1);
  };
}

/** A line of heads and a line of paths. */
function columnsOfFile(file: string): readonly string[] {
  const [heads = "", paths = ""] = fileText(file).split("\n");
  const words = (line: string): readonly string[] => line.trim().split(/\s+/u);
  const found = words(paths);
  return words(heads).map((head, index) => `${head}:${found[index] ?? ""}`);
}

function fileText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${(error as Error).message}`);
  }
}
