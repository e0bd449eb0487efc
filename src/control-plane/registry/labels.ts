// Label selectors: every pair that is asked for must be there.

export type Labels = Readonly<Record<string, string>>;

export function selects(selector: Labels, labels: Labels): boolean {
  for (const key in selector) if (labels[key] !== selector[key]) return false;
  return true;
}

/** Kubernetes' LabelSelector, as far as it was written. */
export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string | undefined>> | undefined;
  readonly matchExpressions?: readonly (SelectorRequirement | undefined)[] | undefined;
}

interface SelectorRequirement {
  readonly key?: string | undefined;
  readonly operator?: string | undefined;
  readonly values?: readonly (string | undefined)[] | undefined;
}

/** A selector that is not there selects everything, one that is wrong nothing. */
export function labelSelectorMatches(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (selector === undefined) return true;
  if (!selects((selector.matchLabels ?? {}) as Labels, labels)) return false;
  return (selector.matchExpressions ?? []).every((expression) => {
    const { key = "", operator, values = [] } = expression ?? {};
    const value = labels[key];
    switch (operator) {
      case "In":
        return value !== undefined && values.includes(value);
      case "NotIn":
        return value === undefined || !values.includes(value);
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
      default:
        return false;
    }
  });
}

const NONE: readonly never[] = [];

/** Finds what a selector selects without looking at everything: by namespace and the pair that the fewest bear. */
export class LabelIndex<T> {
  #byPair = new Map<string, T[]>();
  #byNamespace = new Map<string, T[]>();
  #labelsOf: (item: T) => Labels;

  constructor(items: Iterable<T>, namespaceOf: (item: T) => string, labelsOf: (item: T) => Labels) {
    this.#labelsOf = labelsOf;
    for (const item of items) {
      const namespace = namespaceOf(item);
      push(this.#byNamespace, namespace, item);
      for (const [key, value] of Object.entries(labelsOf(item))) push(this.#byPair, `${namespace}|${key}|${value}`, item);
    }
  }

  /** In the order in which the items were given. */
  select(namespace: string, selector: Labels): readonly T[] {
    let fewest = this.#byNamespace.get(namespace);
    if (fewest === undefined) return NONE;
    for (const [key, value] of Object.entries(selector)) {
      const list = this.#byPair.get(`${namespace}|${key}|${value}`);
      if (list === undefined) return NONE;
      if (list.length < fewest.length) fewest = list;
    }
    return fewest.filter((item) => selects(selector, this.#labelsOf(item)));
  }
}

function push<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}
