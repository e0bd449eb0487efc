// Addresses for what a test starts, which no other test is given while this process lives.
import { isFree } from "#agent/instance-address";
import { claim } from "./free-port.ts";

/** Held on each address that is given away. */
const HELD_PORT = 20_000;

/** An address of this machine that no proxy of a mesh has, on which `wanted` are free: the meshes count from 127.66.0.1 upwards. */
export async function freeAddress(wanted: readonly number[]): Promise<string> {
  for (let host = 1; host < 250; host++) {
    const address = `127.66.200.${host}`;
    if (!(await claim(address, HELD_PORT))) continue;
    if ((await Promise.all(wanted.map((port) => isFree(address, port)))).every(Boolean)) return address;
  }
  throw new Error("no address in 127.66.200.0/24 is free; are tests of old runs still there?");
}
