// Opens connections, sends one request on each and keeps them: `idle-process.ts PORT COUNT HOST`. Says "open" to its parent.
import { connect } from "node:net";

const [port, count] = process.argv.slice(2, 4).map(Number) as [number, number];
const request = `GET / HTTP/1.1\r\nHost: ${process.argv[4]}\r\n\r\n`;

function open(): Promise<void> {
  return new Promise((done, fail) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(request));
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (/content-length: (\d+)/i.exec(text)?.[1] === String(text.length - text.indexOf("\r\n\r\n") - 4)) done();
    });
    socket.on("error", fail);
    socket.on("close", () => fail(new Error("closed")));
  });
}

// One after the other: the peak of a burst is not what an idle connection costs.
for (let i = 0; i < count; i++) await open();
process.send?.("open");
