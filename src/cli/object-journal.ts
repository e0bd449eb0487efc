// Where applied objects are kept: in a file of the state folder, or in the etcd that the options name (as kube-apiserver's do).
import { join } from "node:path";
import { EtcdClient } from "#control-plane/config/etcd/etcd-client";
import { EtcdJournal } from "#control-plane/config/etcd/etcd-journal";
import type { Journal } from "#control-plane/config/objects/journal";
import { SqliteJournal } from "#control-plane/config/sqlite/sqlite-journal";
import { realClock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import { realRandom } from "#runtime/random";
import { CommandError } from "./command-error.ts";

export interface EtcdOptions {
  readonly etcdServers?: string;
  readonly etcdPrefix?: string;
  readonly etcdCafile?: string;
  readonly etcdCertfile?: string;
  readonly etcdKeyfile?: string;
}

const OBJECTS_FILE = "objects.db";

export function fileJournal(stateDirectory: string): Journal {
  return new SqliteJournal({ file: join(stateDirectory, OBJECTS_FILE) });
}

/** Undefined: the options name no etcd. @throws CommandError */
export function etcdJournal(options: EtcdOptions, log: Log): (() => Journal) | undefined {
  const { etcdServers, etcdPrefix = "/mizzen", etcdCafile: ca, etcdCertfile: cert, etcdKeyfile: key } = options;
  if (etcdServers === undefined) return undefined;
  const endpoints = etcdServers.split(",").map((endpoint) => endpoint.trim());
  const wrong = endpoints.find((endpoint) => !/^https?:\/\/[^/]+$/u.test(endpoint));
  if (wrong !== undefined) throw new CommandError(`${wrong} is no address of etcd: write http://HOST:2379 or https://HOST:2379`, 2);
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
  return () => {
    const client = new EtcdClient({ endpoints, tls, clock: realClock });
    return new EtcdJournal({ client, prefix: etcdPrefix, clock: realClock, random: realRandom, log: log.scope("etcd") });
  };
}
