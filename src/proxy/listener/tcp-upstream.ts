// What a TCP proxy forwards to: a connection of its own, or a tunnel within a stream of HTTP.
import type { Connection } from "#proxy/net/connection";

export type TcpUpstream = Pick<Connection, "write" | "pauseReading" | "resumeReading" | "end" | "close">;
