// Clients and hosts that leave within a TLS handshake, fail it, or leave behind it.
import { perform } from "./broken-peers/perform.ts";
import { TLS_CLIENT_ACTS } from "./broken-peers/tls-client-scenes.ts";
import { TLS_HOST_ACT } from "./broken-peers/tls-host-scenes.ts";

perform([...TLS_CLIENT_ACTS, TLS_HOST_ACT]);
