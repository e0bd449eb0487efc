// TLS on the listener: clients that leave within the handshake, or fail it, or leave behind it without a word.
import type { JsonObject } from "@bufbuild/protobuf";
import { FakeAuthority } from "#proxy/net/certificates.fake";
import { breaks, inPhase } from "./breaks.ts";
import { ROUTES } from "./routes.ts";
import type { Act, Difference, Scene, Stage } from "./stage.ts";
import { alert, asClient, clientHello, HANDSHAKE_FAILURE } from "./tls-peer.ts";

const CX_ACTIVE = /^listener\.127\..*\d\.downstream_cx_active$/;
const TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3";

const authority = new FakeAuthority();
const stranger = new FakeAuthority("stranger");
const server = authority.issue({ hosts: ["localhost"] });
const member = authority.issue({ uris: ["spiffe://cluster.local/ns/default/sa/a"] });
const outsider = stranger.issue({ uris: ["spiffe://cluster.local/ns/default/sa/a"] });

const AFTER_HANDSHAKE = {
  why: "filters see a connection after its handshake, Envoy's from the start",
  lines: /stats, Envoy's: http\.lone\.downstream_cx_/,
};

/** TLSv1.2: the alert comes before the client believes itself connected. */
const NO_ALERT: Difference = {
  why: `${AFTER_HANDSHAKE.why}; a certificate is judged behind the handshake: the client gets no alert`,
  lines: /clients|http\.lone\.downstream_cx_/,
};

const get = (stage: Stage): string => `GET /${stage.id} HTTP/1.1\r\nHost: a.example\r\n\r\n`;

const DIFFERENT = { "ends its half": AFTER_HANDSHAKE, closes: AFTER_HANDSHAKE, resets: AFTER_HANDSHAKE };

const IN_HANDSHAKE: readonly Scene[] = [
  ...inPhase(
    "a client before its ClientHello",
    async (stage, how) => {
      const client = await stage.client();
      await stage.counts(CX_ACTIVE, 1);
      breaks(client, how);
      await stage.counts(CX_ACTIVE, 0);
    },
    { different: DIFFERENT },
  ),
  ...inPhase(
    "a client within its ClientHello",
    async (stage, how) => {
      const client = await stage.client();
      client.say((await clientHello()).subarray(0, 100));
      await client.isHeard();
      breaks(client, how);
      await stage.counts(CX_ACTIVE, 0);
    },
    { different: DIFFERENT },
  ),
  ...inPhase(
    "a client behind the ServerHello",
    async (stage, how) => {
      const client = await stage.client();
      client.say(await clientHello());
      await client.hears("\x16\x03\x03");
      breaks(client, how);
      await stage.counts(CX_ACTIVE, 0);
    },
    { different: DIFFERENT },
  ),
  ...inPhase(
    "a client that is alarmed by the ServerHello",
    async (stage, how) => {
      const client = await stage.client();
      client.say(await clientHello());
      await client.hears("\x16\x03\x03");
      client.say(alert(HANDSHAKE_FAILURE));
      breaks(client, how === "closes" ? "ends its half" : how);
      await stage.counts(CX_ACTIVE, 0);
    },
    { different: DIFFERENT },
  ),
  {
    what: "a client that speaks plain text",
    different: AFTER_HANDSHAKE,
    async play(stage) {
      const client = await stage.client();
      client.say(get(stage));
      await client.isEnded();
    },
  },
  {
    what: "a client of a version that is too old",
    different: AFTER_HANDSHAKE,
    async play(stage) {
      const client = await stage.client();
      client.say(await clientHello({ minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT:@SECLEVEL=0" }));
      await client.isEnded();
    },
  },
  {
    what: "a client that says nothing until the time for the handshake is over",
    different: AFTER_HANDSHAKE,
    async play(stage) {
      const client = await stage.client();
      await client.isEnded();
    },
  },
  {
    what: "a client that stops within its ClientHello",
    different: AFTER_HANDSHAKE,
    async play(stage) {
      const client = await stage.client();
      client.say((await clientHello()).subarray(0, 100));
      await client.isEnded();
    },
  },
  {
    what: "a client that stops behind the ServerHello",
    different: AFTER_HANDSHAKE,
    async play(stage) {
      const client = await stage.client();
      client.say(await clientHello());
      await client.isEnded();
    },
  },
];

const AFTERWARDS: readonly Scene[] = (["end", "cut", "reset"] as const).flatMap((how): readonly Scene[] => {
  const words = { end: "ends with close_notify", cut: "closes without close_notify", reset: "resets" }[how];
  return [
    {
      what: `a client before its first byte ${words}`,
      async play(stage) {
        const client = await stage.client(asClient());
        await stage.counts(/^http\.lone\.downstream_cx_ssl_active$/, 1);
        await client.isHeard();
        client[how]();
        await stage.counts(CX_ACTIVE, 0);
      },
    },
    {
      what: `a client within its request ${words}`,
      async play(stage) {
        const client = await stage.client(asClient());
        client.say(get(stage).slice(0, -10));
        await stage.counts(/^http\.lone\.downstream_cx_ssl_active$/, 1);
        await client.isHeard();
        client[how]();
        await stage.counts(CX_ACTIVE, 0);
      },
    },
    {
      what: `a client before the response ${words}`,
      async play(stage) {
        const client = await stage.client(asClient());
        client.say(get(stage));
        const host = await stage.host();
        await host.hears("\r\n\r\n");
        client[how]();
        await host.isEnded();
      },
    },
    {
      what: `a client within the response ${words}`,
      async play(stage) {
        const client = await stage.client(asClient());
        client.say(get(stage));
        const host = await stage.host();
        await host.hears("\r\n\r\n");
        host.say("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n01234");
        await client.hears("01234");
        client[how]();
        await host.isEnded();
      },
    },
  ];
});

const CERTIFICATES: readonly Scene[] = [
  {
    what: "a client that shows what is asked for",
    async play(stage) {
      const client = await stage.client(asClient({ cert: member.certificate, key: member.key }));
      client.say(get(stage));
      const host = await stage.host();
      await host.hears("\r\n\r\n");
      host.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      await client.hears("ok");
    },
  },
  ...(["TLSv1.2", "TLSv1.3"] as const).flatMap((maxVersion): readonly Scene[] => [
    {
      what: `a client without a certificate, ${maxVersion}`,
      different: AFTER_HANDSHAKE,
      async play(stage) {
        const client = await stage.client(asClient({ maxVersion }));
        client.say(get(stage));
        await stage.counts(CX_ACTIVE, 0);
      },
    },
    {
      what: `a client with a certificate of somebody else's, ${maxVersion}`,
      different: maxVersion === "TLSv1.2" ? NO_ALERT : AFTER_HANDSHAKE,
      async play(stage) {
        const client = await stage.client(asClient({ maxVersion, cert: outsider.certificate, key: outsider.key }));
        client.say(get(stage));
        await stage.counts(CX_ACTIVE, 0);
      },
    },
  ]),
];

const downstreamTls = (more: JsonObject = {}, validation: JsonObject = {}): JsonObject => ({
  name: "envoy.transport_sockets.tls",
  typedConfig: {
    "@type": `${TLS}.DownstreamTlsContext`,
    commonTlsContext: {
      tlsCertificates: [{ certificateChain: { inlineString: server.certificate }, privateKey: { inlineString: server.key } }],
      ...validation,
    },
    ...more,
  },
});

export const TLS_CLIENT_ACTS: readonly Act[] = [
  {
    name: "TLS, clients",
    hosts: "host",
    options: { routes: ROUTES, transportSocket: downstreamTls(), filterChain: { transportSocketConnectTimeout: "1s" } },
    scenes: [...IN_HANDSHAKE, ...AFTERWARDS],
  },
  {
    name: "TLS, certificates of clients",
    hosts: "host",
    options: {
      routes: ROUTES,
      transportSocket: downstreamTls(
        { requireClientCertificate: true },
        { validationContext: { trustedCa: { inlineString: authority.root.certificate } } },
      ),
    },
    scenes: CERTIFICATES,
  },
];
