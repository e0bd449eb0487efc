// An application that answers "hello", for meshes whose configuration is what a test is about.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

/** Its port on 127.0.0.1. */
export async function startApplication(t: TestContext): Promise<number> {
  const server = createServer((_, response) => response.end("hello"));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
