// `get -w`: the table (or the objects) as they are, then each change as it comes. A watch that ends is begun again from where it was.
import { CommandError } from "#cli/command-error";
import type { KubernetesClient, Query, WatchEvent } from "./client.ts";
import type { Printer } from "./object-output.ts";
import type { KubernetesObject, ObjectList } from "./objects.ts";
import { pathOf } from "./discovery.ts";
import { tableOptions, type GetOptions, type Wanted } from "./shown-objects.ts";
import { TABLE, TableWriter, type ServerTable } from "./server-table.ts";

interface Watched<T> {
  readonly accept: string | undefined;
  readonly query: Query;
  /** Of what there is before the watch begins. */
  readonly first: (list: T & (ServerTable | ObjectList)) => string;
  readonly change: (event: WatchEvent<T>) => string;
  readonly versionOf: (object: T) => string | undefined;
}

export async function watchObjects(
  client: KubernetesClient,
  wanted: Wanted,
  options: GetOptions,
  printer: Printer | undefined,
): Promise<void> {
  await (printer === undefined
    ? run(client, wanted, options, tables(wanted, options))
    : run(client, wanted, options, plain(printer, options)));
}

function tables(wanted: Wanted, options: GetOptions): Watched<ServerTable> {
  const writer = new TableWriter(tableOptions(options, wanted.resource, true), options.outputWatchEvents === true);
  return {
    accept: TABLE,
    query: { includeObject: "Object" },
    first: (list) => ("rows" in list ? writer.text(list, "ADDED") : ""),
    change: ({ type, object }) => writer.text(object, type),
    versionOf: ({ rows }) => rows?.[0]?.object?.metadata.resourceVersion,
  };
}

function plain(printer: Printer, options: GetOptions): Watched<KubernetesObject> {
  const one = (object: KubernetesObject, type: string): string => {
    const shown = options.outputWatchEvents === true ? ({ type, object } as unknown as KubernetesObject) : object;
    return printer([shown], false);
  };
  return {
    accept: undefined,
    query: {},
    first: (list) => ("items" in list ? (list as unknown as ObjectList).items.map((item) => one(item, "ADDED")).join("") : ""),
    change: ({ type, object }) => one(object, type),
    versionOf: ({ metadata }) => metadata.resourceVersion,
  };
}

async function run<T>(client: KubernetesClient, wanted: Wanted, options: GetOptions, watched: Watched<T>): Promise<void> {
  const path = pathOf(wanted.resource, wanted.namespace);
  const [name] = wanted.names;
  const fieldSelector = name === undefined ? options.fieldSelector : `metadata.name=${name}`;
  const query = { ...watched.query, labelSelector: options.selector, fieldSelector };
  const list = await client.get<T & { readonly metadata?: { readonly resourceVersion?: string } }>(path, query, watched.accept);
  if (name !== undefined) await client.get(pathOf(wanted.resource, wanted.namespace, name));
  if (options.watchOnly !== true) process.stdout.write(watched.first(list as T & ObjectList));
  let resourceVersion = list.metadata?.resourceVersion;
  const never = new AbortController();
  for (;;) {
    for await (const event of client.watch<T>(
      path,
      { ...query, resourceVersion, allowWatchBookmarks: true },
      never.signal,
      watched.accept,
    )) {
      if (event.type === "ERROR")
        throw new CommandError(`the watch has ended: ${(event.object as { readonly message?: string }).message ?? ""}`);
      resourceVersion = watched.versionOf(event.object) ?? resourceVersion;
      if (event.type !== "BOOKMARK") process.stdout.write(watched.change(event));
    }
  }
}
