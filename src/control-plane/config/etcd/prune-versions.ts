// Versions of names that are deleted are kept for so many of them; the oldest go.
import { create } from "@bufbuild/protobuf";
import { DeleteRangeRequestSchema, RangeRequestSchema } from "#envoy/gen/etcdserverpb/rpc_pb";
import { DELETE_RANGE, RANGE, type EtcdClient } from "./etcd-client.ts";
import type { EtcdKeys } from "./etcd-keys.ts";

const PAGE = 5_000;

/** Looks through the keys of all versions: for once in a while. */
export async function pruneVersions(
  client: EtcdClient,
  keys: EtcdKeys,
  isLive: (key: string) => boolean,
  maxDeleted: number,
): Promise<void> {
  const newest = new Map<string, bigint>();
  const { rangeEnd } = keys.allVersions;
  let { key } = keys.allVersions;
  for (;;) {
    const request = create(RangeRequestSchema, { key, rangeEnd, keysOnly: true, limit: BigInt(PAGE) });
    const { kvs, more } = await client.call(RANGE, request);
    for (const kv of kvs) {
      const name = keys.nameOfVersion(kv.key);
      if (!isLive(name) && kv.modRevision > (newest.get(name) ?? 0n)) newest.set(name, kv.modRevision);
    }
    const last = kvs.at(-1)?.key;
    if (!more || last === undefined) break;
    key = new Uint8Array([...last, 0]);
  }
  const tooOld = [...newest].sort(([, a], [, b]) => (a > b ? -1 : 1)).slice(maxDeleted);
  for (const [name] of tooOld) await client.call(DELETE_RANGE, create(DeleteRangeRequestSchema, keys.versions(name)));
}
