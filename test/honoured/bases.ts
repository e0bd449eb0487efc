// Every configuration that the table of honoured fields is tried with: each message of the table stands in one of them.
import { createRegistry } from "@bufbuild/protobuf";
import type { DescFile, DescMessage, Registry } from "@bufbuild/protobuf";
import { configRegistry } from "#envoy/config-registry";
import { file_envoy_config_bootstrap_v3_bootstrap } from "#envoy/gen/envoy/config/bootstrap/v3/bootstrap_pb";
import type { Base } from "./base.ts";
import { CLUSTER_BASES } from "./bases/clusters.ts";
import { LISTENER_BASES } from "./bases/listeners.ts";
import { MATCH_TREES } from "./bases/match-trees.ts";
import { ROUTE_BASES } from "./bases/routes.ts";
import { TRANSPORT_BASES } from "./bases/transports.ts";

export const BASES: readonly Base[] = [...CLUSTER_BASES, ...LISTENER_BASES, ...MATCH_TREES, ...ROUTE_BASES, ...TRANSPORT_BASES];

/** Every message that may stand in a resource. */
const registry: Registry = createRegistry(...withImports([...configRegistry].map(({ file }) => file)));

export function messageNamed(type: string): DescMessage {
  const message = registry.getMessage(type);
  if (message === undefined) throw new Error(`${type} is not a message of Envoy's API`);
  return message;
}

function withImports(files: readonly DescFile[]): Set<DescFile> {
  const all = new Set<DescFile>();
  const add = (file: DescFile): void => {
    if (all.has(file)) return;
    all.add(file);
    for (const imported of file.dependencies) add(imported);
  };
  for (const file of [...files, file_envoy_config_bootstrap_v3_bootstrap]) add(file);
  return all;
}
