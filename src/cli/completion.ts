// Shell completion as kubectl and istioctl have it: a small script per shell asks the hidden command `complete` for the words that can
// stand at the cursor. The commands and options come from the program itself, names of proxies from the running mesh.
import type { Command } from "commander";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** Words that are loaded when they are asked for. Empty where they cannot be had: completion never complains. */
export interface KnownWords {
  /** Of the running mesh. */
  readonly proxies: () => Promise<readonly string[]>;
  readonly analyzers: () => Promise<readonly string[]>;
  /** Of which there is a schema. */
  readonly kinds: () => Promise<readonly string[]>;
  readonly customKinds: () => Promise<readonly string[]>;
  /** Of the API server that the command would talk to. */
  readonly server: (options: ServerOptions) => ServerWords;
}

/** What stands in the line so far of which server it is. */
export interface ServerOptions {
  readonly context?: string;
  readonly kubeconfig?: string;
  readonly server?: string;
  readonly namespace?: string;
  readonly dataDir?: string;
}

export interface ServerWords {
  readonly contexts: () => Promise<readonly string[]>;
  readonly namespaces: () => Promise<readonly string[]>;
  readonly resources: () => Promise<readonly string[]>;
  /** Of objects of a resource, as it is typed. */
  readonly names: (resource: string) => Promise<readonly string[]>;
}

const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# mizzen completion for bash; load it with: source <(mizzen completion bash)
_mizzen() {
  local IFS=$'\\n'
  COMPREPLY=($(mizzen complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _mizzen mizzen
`,
  zsh: `#compdef mizzen
# mizzen completion for zsh; load it with: source <(mizzen completion zsh)
_mizzen() {
  local -a found
  found=("\${(@f)$(mizzen complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _mizzen mizzen
`,
  fish: `# mizzen completion for fish; load it with: mizzen completion fish | source
complete -c mizzen -a '(set -l words (commandline -opc); mizzen complete -- $words[2..-1] (commandline -ct) 2>/dev/null)'
`,
};

export function completionScript(shell: Shell): string {
  return SCRIPTS[shell];
}

const KINDS = ["listeners", "routes", "clusters", "endpoints"];

const OPTION_VALUES: Readonly<Record<string, readonly string[]>> = {
  "--log-level": ["debug", "info", "warn", "error", "off"],
  "--sample": ["bookinfo"],
};

/** What can stand in place of the last word, which may be begun or empty. Empty: the shell offers files. */
export async function completions(program: Command, words: readonly string[], known: KnownWords): Promise<readonly string[]> {
  const last = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  // Behind -- stands the user's own command.
  if (before.includes("--")) return [];
  const visible = program.createHelp().visibleCommands(program);
  const [first, ...rest] = before;
  const command = first === undefined ? undefined : visible.find((one) => one.name() === first || one.aliases().includes(first));
  const begun = (all: readonly string[]): readonly string[] => all.filter((word) => word.startsWith(last)).toSorted();
  if (first === undefined) return begun(visible.map((one) => one.name()));
  if (command === undefined) return [];
  const options = command.createHelp().visibleOptions(command);
  const previous = rest.at(-1) ?? "";
  const wanting = options.find((option) => option.required && (option.long === previous || option.short === previous));
  const server = known.server(serverOptions(rest));
  if (wanting?.long === "--context") return begun(await server.contexts());
  if (wanting?.long === "--namespace" && options.some(({ long }) => long === "--context")) return begun(await server.namespaces());
  if (wanting?.long === "--analyzer") return begun(await known.analyzers());
  if (wanting !== undefined) return begun(OPTION_VALUES[wanting.long ?? ""] ?? listedIn(wanting.description));
  if (last.startsWith("-")) return begun(options.flatMap((option) => option.long ?? []));
  const positional = rest.filter((word, index) => !word.startsWith("-") && !takesValue(options, rest[index - 1]));
  switch (command.name()) {
    case "completion":
      return positional.length === 0 ? begun(SHELLS) : [];
    case "crds":
      return begun((await known.customKinds()).filter((kind) => !positional.includes(kind)));
    case "schema":
      return positional.length === 0 ? begun(await known.kinds()) : [];
    case "proxy-config":
      return positional.length === 0 ? begun(KINDS) : positional.length === 1 ? begun(await known.proxies()) : [];
    case "get":
    case "describe":
    case "edit":
    case "delete":
    case "wait":
    case "history":
    case "rollback":
      return begun(await objectWords(positional, last, server));
    default:
      return [];
  }
}

/** `vs`, then `vs reviews`; or `vs/reviews`. */
async function objectWords(positional: readonly string[], last: string, server: ServerWords): Promise<readonly string[]> {
  const [resource] = positional;
  const slash = last.indexOf("/");
  if (slash > 0) return (await server.names(last.slice(0, slash))).map((name) => `${last.slice(0, slash)}/${name}`);
  if (resource === undefined) return server.resources();
  if (resource.includes("/")) return [];
  return (await server.names(resource)).filter((name) => !positional.includes(name));
}

const SERVER_OPTIONS: Readonly<Record<string, keyof ServerOptions>> = {
  "--context": "context",
  "--kubeconfig": "kubeconfig",
  "--server": "server",
  "-s": "server",
  "--namespace": "namespace",
  "-n": "namespace",
  "--data-dir": "dataDir",
};

function serverOptions(words: readonly string[]): ServerOptions {
  const found: Partial<Record<keyof ServerOptions, string>> = {};
  for (const [index, word] of words.entries()) {
    const [name = "", ...value] = word.split("=");
    const option = Object.hasOwn(SERVER_OPTIONS, name) ? SERVER_OPTIONS[name] : undefined;
    if (option !== undefined) found[option] = value.length > 0 ? value.join("=") : (words[index + 1] ?? "");
  }
  return found;
}

/** The values that an option's description lists: `log, json or yaml`, `... are shown: Info, Warning or Error`. */
function listedIn(description: string): readonly string[] {
  const list = /(?:^|: )((?:\w+, )*\w+ or \w+)$/u.exec(description)?.[1];
  return list === undefined ? [] : list.split(/, | or /u);
}

function takesValue(
  options: readonly { readonly required: boolean; readonly long?: string; readonly short?: string }[],
  word: string | undefined,
): boolean {
  return word !== undefined && options.some((option) => option.required && (option.long === word || option.short === word));
}
