// Opens many watches from a process of its own (open files are counted by process), and tells its parent how many have seen an event.
// Arguments: port, the file of the authority, the file of the token, how many.
import { readFileSync } from "node:fs";
import { connect } from "node:tls";

const PATH = "/api/v1/namespaces/default/configmaps?watch=1";
const AT_A_TIME = 100;

const [port = "", caFile = "", tokenFile = "", count = "0"] = process.argv.slice(2);
const ca = readFileSync(caFile);
const request = `GET ${PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${readFileSync(tokenFile, "utf8")}\r\n\r\n`;
let session: Buffer | undefined;
let told = 0;

function open(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port: Number(port), ca, ...(session === undefined ? {} : { session }) });
    let isOpen = false;
    let hasEvent = false;
    socket.on("session", (ticket: Buffer) => (session ??= ticket));
    socket.on("error", reject);
    socket.on("data", (chunk: Buffer) => {
      if (!isOpen) resolve();
      isOpen = true;
      if (hasEvent || !chunk.includes('"type":"ADDED"')) return;
      hasEvent = true;
      told++;
    });
    socket.write(request);
  });
}

for (let opened = 0; opened < Number(count); opened += AT_A_TIME) {
  await Promise.all(Array.from({ length: Math.min(AT_A_TIME, Number(count) - opened) }, open));
}
process.send?.({ opened: Number(count), told });
setInterval(() => process.send?.({ opened: Number(count), told }), 100);
