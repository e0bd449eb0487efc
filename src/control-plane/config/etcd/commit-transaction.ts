// A commit as one transaction of etcd. etcd takes 128 comparisons and as many operations a transaction, and one within a transaction may
// have as many operations as the outer one leaves; a set that looked at too many keys is guarded by the latest write of all instead.
import { create } from "@bufbuild/protobuf";
import {
  Compare_CompareResult,
  Compare_CompareTarget,
  CompareSchema,
  RequestOpSchema,
  TxnRequestSchema,
  type Compare,
  type RequestOp,
  type TxnRequest,
} from "#envoy/gen/etcdserverpb/rpc_pb";
import { MAX_VERSIONS, type Commit } from "#control-plane/config/objects/journal";
import { encodeJson, encodeText, type EtcdKeys } from "./etcd-keys.ts";

const MAX_COMPARISONS = 60;
const MAX_OPERATIONS = 100;
const OPERATIONS_WITHIN = 50;

/** What is kept of an object: with the number of its last version, so that the next one needs no look. */
export interface StoredValue {
  readonly version: number;
  readonly object: unknown;
}

export interface StoredVersion {
  readonly timestamp: string;
  readonly author: string;
  readonly change: string;
  readonly object: unknown;
}

export interface CommitOptions {
  readonly keys: EtcdKeys;
  /** What the latest write is marked with. */
  readonly mark: string;
  /** Of the last write that the cache has. */
  readonly latestRevision: number;
  /** The last version of a key; 0: none. */
  readonly lastVersion: (key: string) => number;
}

export function commitTransaction(commit: Commit, options: CommitOptions): TxnRequest {
  const { keys } = options;
  const compare =
    commit.seen.size > MAX_COMPARISONS
      ? [unchanged(keys.latest, options.latestRevision)]
      : [...commit.seen].map(([key, revision]) => unchanged(keys.object(key), revision));
  const operations = operationsOf(commit, options);
  if (operations.length <= MAX_OPERATIONS) return create(TxnRequestSchema, { compare, success: operations });
  const success: RequestOp[] = [];
  for (let start = 0; start < operations.length; start += OPERATIONS_WITHIN) {
    const part = create(TxnRequestSchema, { success: operations.slice(start, start + OPERATIONS_WITHIN) });
    success.push(create(RequestOpSchema, { request: { case: "requestTxn", value: part } }));
  }
  return create(TxnRequestSchema, { compare, success });
}

function operationsOf({ changes, wallMs, author }: Commit, { keys, mark, lastVersion }: CommitOptions): RequestOp[] {
  const operations = [put(keys.latest, encodeText(mark))];
  for (const { key, object, recorded } of changes) {
    const version = lastVersion(key) + (recorded === undefined ? 0 : 1);
    const stored: StoredValue = { version, object };
    operations.push(object === undefined ? remove(keys.object(key)) : put(keys.object(key), encodeJson(stored)));
    if (recorded === undefined) continue;
    const { change } = recorded;
    const kept: StoredVersion = { timestamp: new Date(wallMs).toISOString(), author, change, object: recorded.object };
    operations.push(put(keys.version(key, version), encodeJson(kept)));
    if (version > MAX_VERSIONS) operations.push(remove(keys.version(key, version - MAX_VERSIONS)));
  }
  return operations;
}

function unchanged(key: Uint8Array, revision: number): Compare {
  return create(CompareSchema, {
    key,
    result: Compare_CompareResult.EQUAL,
    target: Compare_CompareTarget.MOD,
    targetUnion: { case: "modRevision", value: BigInt(revision) },
  });
}

function put(key: Uint8Array, value: Uint8Array): RequestOp {
  return create(RequestOpSchema, { request: { case: "requestPut", value: { key, value } } });
}

function remove(key: Uint8Array): RequestOp {
  return create(RequestOpSchema, { request: { case: "requestDeleteRange", value: { key } } });
}
