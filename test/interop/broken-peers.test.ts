// Clients and hosts of HTTP/1 and TCP that break off in every phase.
import { HTTP1_ACTS } from "./broken-peers/http1-scenes.ts";
import { perform } from "./broken-peers/perform.ts";
import { TCP_ACTS } from "./broken-peers/tcp-scenes.ts";

perform([...HTTP1_ACTS, ...TCP_ACTS]);
