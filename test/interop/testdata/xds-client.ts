// A gRPC client that finds its servers by xDS itself: makes the calls that it is told (`METHOD COUNT CONCURRENCY` each) and prints, as JSON, what
// came of them: by answer or status code, how often. `test/interop/proxyless-grpc.test.ts` runs it; `xds_client.py` is its twin.
import { setTimeout } from "node:timers/promises";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { register } from "@grpc/grpc-js-xds";

register();
const [target = "", ...tasks] = process.argv.slice(2);
const client = new Client(target, credentials.createInsecure());
const same = (bytes: Buffer): Buffer => bytes;

function call(method: string): Promise<string> {
  return new Promise((done) => {
    const deadline = Date.now() + 20_000;
    client.makeUnaryRequest(method, same, same, Buffer.from("x"), new Metadata(), { deadline }, (error, answer) =>
      done(error === null ? String(answer) : (status[error.code] ?? String(error.code))),
    );
  });
}

const results: Record<string, Record<string, number>> = {};
for (const task of tasks) {
  const [method = "", count, concurrency] = task.split(" ");
  const counts: Record<string, number> = (results[method] = {});
  let left = Number(count);
  const worker = async (index: number): Promise<void> => {
    // grpc-js counts a call against a limit when it has started, which is a little after it was let through.
    await setTimeout(10 * index);
    while (left-- > 0) {
      const answer = await call(method);
      counts[answer] = (counts[answer] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: Number(concurrency) }, (_, index) => worker(index)));
}
process.stdout.write(JSON.stringify(results));
process.exit(0);
