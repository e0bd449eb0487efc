// Ports for what a test starts, which no other test is given while this process lives, though they are bound later and elsewhere. They lie
// below what systems hand out for connections and for port 0, so that nobody comes upon them by chance between asking and binding.
import { createServer } from "node:net";
import { isFree } from "#agent/instance-address";

const FIRST = 20_000;
const LAST = 30_000;
/** Of these, the first is held by the process that has the block: the system gives it to one alone, and takes it back however that ends. */
const BLOCK = 100;
const BLOCKS = (LAST - FIRST) / BLOCK;

/** What is left of our blocks. */
let ports: number[] = [];
/** Callers in the same process come one after the other. */
let tail: Promise<unknown> = Promise.resolve();

/** True when the place was nobody's; it is ours from now on. */
export function claim(host: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen({ host, port, exclusive: true }, () => {
      server.unref();
      done(true);
    });
  });
}

async function next(): Promise<number> {
  for (;;) {
    for (let port = ports.shift(); port !== undefined; port = ports.shift()) if (await isFree("127.0.0.1", port)) return port;
    ports = await block();
  }
}

async function block(): Promise<number[]> {
  for (let tried = 0; tried < BLOCKS; tried++) {
    const first = FIRST + ((process.pid + tried) % BLOCKS) * BLOCK;
    if (await claim("127.0.0.1", first)) return Array.from({ length: BLOCK - 1 }, (_, at) => first + 1 + at);
  }
  throw new Error(`no block of ports from ${FIRST} to ${LAST} is free; are tests of old runs still there?`);
}

/** @throws Error when the machine has none left */
export function freePort(): Promise<number> {
  const port = tail.then(next);
  tail = port.catch(() => {});
  return port;
}
