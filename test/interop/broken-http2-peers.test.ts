// Clients and hosts of HTTP/2 that leave in every phase: by their connection, by one stream, or by GOAWAY.
import { HTTP2_CLIENT_ACT } from "./broken-peers/http2-client-scenes.ts";
import { HTTP2_HOST_ACTS } from "./broken-peers/http2-host-scenes.ts";
import { perform } from "./broken-peers/perform.ts";

perform([HTTP2_CLIENT_ACT, ...HTTP2_HOST_ACTS]);
