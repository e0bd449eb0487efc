// What a row of kubectl's table is. The table is data: it says what is typed, never what runs it.

export interface Invocation {
  /** What stands behind `kubectl `, as typed in a shell; only single quotes quote. `NAMESPACE` is the story's own. */
  readonly run: string;
  readonly stdin?: string;
  /** The command of KUBE_EDITOR. */
  readonly editor?: string;
  /** Invocations to run while this one goes on (`-w`, `wait`), once it has printed `after` lines; it is ended when it has printed `until`. */
  readonly meanwhile?: { readonly after: number; readonly run: readonly string[]; readonly until?: number };
  /** Only these lines are compared: a cluster has more than a mesh. */
  readonly only?: RegExp;
  /** kubectl prints a map as it comes. */
  readonly isUnordered?: boolean;
  /** Why words may differ from a Kubernetes API server's. Then the exit code is compared, and of errors the reason. */
  readonly wordsDiffer?: string;
}

/** Invocations in one fresh namespace, one after the other. */
export interface Story {
  readonly name: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly rows: readonly Invocation[];
}

export interface Answer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Answers by `keyOf`. */
export type Answers = Readonly<Record<string, Answer>>;

/** The same command may stand in a story twice, with another outcome. */
export function keyOf(story: Story, index: number): string {
  const run = story.rows[index]?.run ?? "";
  const before = story.rows.slice(0, index).filter((row) => row.run === run).length;
  return `${story.name}: ${run}${before === 0 ? "" : ` (${before + 1})`}`;
}
