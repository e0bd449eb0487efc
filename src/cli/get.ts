// `mizzen get`: objects of the mesh or of a cluster, as kubectl shows them.
import { CommandError } from "./command-error.ts";
import { ApiError } from "./kubernetes/api-error.ts";
import { apiVersionOf, discover, pathOf, type Resource } from "./kubernetes/discovery.ts";
import { printerFor, type Printer } from "./kubernetes/object-output.ts";
import type { KubernetesObject, ObjectList } from "./kubernetes/objects.ts";
import { watchObjects } from "./kubernetes/object-watch.ts";
import { parseResourceArguments } from "./kubernetes/resource-arguments.ts";
import { selectionQuery } from "./kubernetes/resolved-objects.ts";
import { TABLE, tableText, type ServerTable } from "./kubernetes/server-table.ts";
import { sortBy } from "./kubernetes/sorting.ts";
import { tableOptions, type GetOptions, type Wanted } from "./kubernetes/shown-objects.ts";
import { withTarget, type Target } from "./kubernetes/target.ts";

export async function get(words: readonly string[], options: GetOptions): Promise<void> {
  const printer = printerFor(options.output, { showManagedFields: options.showManagedFields === true, headers: options.headers !== false });
  await withTarget(options, async (target) => {
    const wanted = await findWanted(words, options, target);
    if (options.watch === true || options.watchOnly === true) {
      const [only, ...more] = wanted;
      if (only === undefined || more.length > 0 || only.names.length > 1)
        throw new CommandError("you may only specify a single resource type when watching", 2);
      await watchObjects(target.client, only, options, printer);
    } else if (printer === undefined) await printTables(wanted, options, target);
    else await printObjects(wanted, options, target, printer);
  });
}

async function findWanted(words: readonly string[], options: GetOptions, target: Target): Promise<readonly Wanted[]> {
  const everywhere = options.allNamespaces === true;
  const discovery = await discover(target.client);
  const wanted: Wanted[] = [];
  const add = (resource: Resource, namespace: string | undefined, name: string | undefined): void => {
    const last = wanted.at(-1);
    if (last !== undefined && name !== undefined && last.resource === resource && last.namespace === namespace && last.names.length > 0)
      wanted.splice(-1, 1, { ...last, names: [...last.names, name] });
    else wanted.push({ resource, namespace, names: name === undefined ? [] : [name] });
  };
  if (options.filename !== undefined) {
    const { readManifests } = await import("./kubernetes/manifests.ts");
    const { manifests } = readManifests(options.filename, options.recursive === true, target.namespace);
    for (const { object, place } of manifests) {
      const resource = discovery.byKind(object.apiVersion, object.kind);
      if (resource === undefined)
        throw new CommandError(`${place}: the server has no kind "${object.kind}" in version "${object.apiVersion}"`);
      add(resource, resource.isNamespaced ? (object.metadata.namespace ?? target.namespace) : undefined, object.metadata.name);
    }
    return wanted;
  }
  for (const { word, name } of parseResourceArguments(words)) {
    if (name !== undefined && everywhere) throw new CommandError("a resource cannot be retrieved by name across all namespaces", 2);
    if (name !== undefined && (options.selector ?? options.fieldSelector) !== undefined)
      throw new CommandError("name cannot be provided when a selector is specified", 2);
    const resources = name === undefined ? discovery.byWordOrCategory(word) : [discovery.byWord(word)];
    for (const resource of resources) add(resource, resource.isNamespaced && !everywhere ? target.namespace : undefined, name);
  }
  return wanted;
}

/** What was not found is said at the end, and makes the exit code 1; what was found is shown. */
class Refusals {
  readonly #lines: string[] = [];
  readonly #ignoreNotFound: boolean;

  constructor(ignoreNotFound: boolean) {
    this.#ignoreNotFound = ignoreNotFound;
  }

  async unlessRefused<T>(asked: Promise<T>): Promise<T | undefined> {
    try {
      return await asked;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!error.isNotFound || !this.#ignoreNotFound) this.#lines.push(error.message);
      return undefined;
    }
  }

  get none(): boolean {
    return this.#lines.length === 0;
  }

  end(): void {
    if (this.#lines.length > 0) throw new CommandError(this.#lines.join("\n"));
  }
}

async function printTables(wanted: readonly Wanted[], options: GetOptions, target: Target): Promise<void> {
  const refusals = new Refusals(options.ignoreNotFound === true);
  const query = { ...selectionQuery(options), includeObject: options.sortBy === undefined ? "Metadata" : "Object" };
  const texts: string[] = [];
  const isOneKind = new Set(wanted.map(({ resource }) => resource)).size <= 1;
  for (const { resource, namespace, names } of wanted) {
    const paths = names.length === 0 ? [pathOf(resource, namespace)] : names.map((name) => pathOf(resource, namespace, name));
    const tables = await Promise.all(paths.map((path) => refusals.unlessRefused(target.client.get<ServerTable>(path, query, TABLE))));
    const found = tables.filter((table) => table !== undefined);
    const [first] = found;
    const rows = found.flatMap((table) => table.rows ?? []);
    if (first === undefined || rows.length === 0) continue;
    texts.push(
      tableText({ ...first, rows: sortBy(rows, options.sortBy, ({ object }) => object) }, tableOptions(options, resource, isOneKind)),
    );
  }
  process.stdout.write(texts.join("\n"));
  refusals.end();
  if (texts.length === 0 && options.ignoreNotFound !== true) process.stderr.write(`${nothingFound(wanted, options, target)}\n`);
}

function nothingFound(wanted: readonly Wanted[], options: GetOptions, target: Target): string {
  const isNamespaced = wanted.some(({ resource }) => resource.isNamespaced);
  return options.allNamespaces === true || !isNamespaced ? "No resources found" : `No resources found in ${target.namespace} namespace.`;
}

async function printObjects(wanted: readonly Wanted[], options: GetOptions, target: Target, printer: Printer): Promise<void> {
  const refusals = new Refusals(options.ignoreNotFound === true);
  const objects: KubernetesObject[] = [];
  for (const { resource, namespace, names } of wanted) {
    for (const name of names) {
      const object = await refusals.unlessRefused(target.client.get<KubernetesObject>(pathOf(resource, namespace, name)));
      if (object !== undefined) objects.push(object);
    }
    if (names.length > 0) continue;
    const list = await refusals.unlessRefused(target.client.get<ObjectList>(pathOf(resource, namespace), selectionQuery(options)));
    for (const item of list?.items ?? [])
      objects.push({ ...item, apiVersion: item.apiVersion ?? apiVersionOf(resource), kind: item.kind ?? resource.kind });
  }
  const [only] = wanted;
  const isList = wanted.length !== 1 || only?.names.length !== 1;
  if (objects.length > 0 || (isList && refusals.none))
    process.stdout.write(
      printer(
        sortBy(objects, options.sortBy, (object) => object),
        isList,
      ),
    );
  refusals.end();
}
