// The WebSocket back end: answers upgrades and echoes messages. `echo-process.ts PORT`
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { echoOf, takeFrames } from "./web-socket-frame.ts";

const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

const server = createServer((_request, response) => void response.writeHead(426).end());
server.on("upgrade", (request, socket) => {
  const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}${MAGIC}`).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    const { frames, left } = takeFrames(rest.length === 0 ? chunk : Buffer.concat([rest, chunk]));
    rest = left;
    for (const frame of frames) socket.write(echoOf(frame));
  });
  socket.on("end", () => socket.end());
  socket.on("error", () => socket.destroy());
});
server.listen(Number(process.argv[2]), "127.0.0.1", 4096);
