// TLS to hosts: those that leave within the handshake, or fail it, or leave behind it without a word.
import type { JsonObject } from "@bufbuild/protobuf";
import { FakeAuthority } from "#proxy/net/certificates.fake";
import { breaks, inPhase } from "./breaks.ts";
import type { Break } from "./breaks.ts";
import type { Peer } from "./peer.ts";
import { ROUTES } from "./routes.ts";
import type { Act, Difference, Scene, Stage } from "./stage.ts";
import { alert, asServer, HANDSHAKE_FAILURE, serverFlight } from "./tls-peer.ts";

const RQ_ACTIVE = /^http\.lone\.downstream_rq_active$/;
const TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3";
/** The record of a ClientHello. */
const HELLO = "\x16\x03\x01";
const CHANGE_CIPHER_SPEC = "\x14\x03\x03";

const authority = new FakeAuthority();
const stranger = new FakeAuthority("stranger");
const named = authority.issue({ hosts: ["localhost"] });
const other = authority.issue({ hosts: ["other.example"] });
const forged = stranger.issue({ hosts: ["localhost"] });
const pair = ({ certificate, key }: { certificate: string; key: string }): { cert: string; key: string } => ({ cert: certificate, key });

const NO_ALERT: Difference = {
  why: "a certificate is judged behind the handshake, and a connection that is no TLS is closed without a word: the host gets no alert",
  lines: /^hosts/,
};

const get = (stage: Stage, folder = ""): string => `GET /${folder}${stage.id} HTTP/1.1\r\nHost: a.example\r\n\r\n`;
const post = (stage: Stage, folder = ""): string =>
  `POST /${folder}${stage.id} HTTP/1.1\r\nHost: a.example\r\nContent-Length: 10\r\n\r\n0123456789`;

/** Plays the same at each try, until the client has an answer. */
async function atEachTry(stage: Stage, folder: string, play: (host: Peer) => Promise<void> | void): Promise<void> {
  const client = await stage.client();
  client.say(get(stage, folder));
  for (let host = await stage.nextHost(client); host !== undefined; host = await stage.nextHost(client)) await play(host);
  await stage.counts(RQ_ACTIVE, 0);
}

function inHandshake(folder: string): readonly Scene[] {
  const on = folder === "" ? "" : ` (${folder})`;
  const phase = (what: string, before: (host: Peer) => Promise<unknown>): readonly Scene[] =>
    inPhase(`a host ${what}${on}`, (stage, how: Break) =>
      atEachTry(stage, folder, async (host) => {
        await before(host);
        breaks(host, how);
      }),
    );
  return [
    ...phase("behind the ClientHello", (host) => host.hears(HELLO)),
    ...phase("within its ServerHello", async (host) => {
      await host.hears(HELLO);
      host.say((await serverFlight(host.received, pair(named))).subarray(0, 60));
      await host.isHeard();
    }),
    ...phase("behind its ServerHello", async (host) => {
      await host.hears(HELLO);
      host.say(await serverFlight(host.received, { ...pair(named), maxVersion: "TLSv1.2" }));
      // What it answers to that must not cross the end.
      await host.hears(CHANGE_CIPHER_SPEC);
    }),
    ...phase("that is alarmed by the ClientHello", async (host) => {
      await host.hears(HELLO);
      host.say(alert(HANDSHAKE_FAILURE));
      await host.isHeard();
    }),
    {
      what: `a host that answers in plain text${on}`,
      different: NO_ALERT,
      play: (stage) =>
        atEachTry(stage, folder, async (host) => {
          await host.hears(HELLO);
          host.say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }),
    },
    {
      what: `a host that does not answer in time${on}`,
      play: (stage) => atEachTry(stage, folder, async (host) => void (await host.hears(HELLO))),
    },
    ...Object.entries({
      "a certificate of somebody else's": pair(forged),
      "another name than it is asked for": pair(other),
      "a version that is too old": { ...pair(named), minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT:@SECLEVEL=0" } as const,
    }).map(([what, options]): Scene => ({
      what: `a host with ${what}${on}`,
      ...(what.startsWith("a version") ? {} : { different: NO_ALERT }),
      async play(stage) {
        stage.hostSocket = asServer(options);
        await atEachTry(stage, folder, () => {});
      },
    })),
    ...(["TLSv1.2", "TLSv1.3"] as const).map((maxVersion): Scene => ({
      what: `a host that asks for a certificate, ${maxVersion}${on}`,
      async play(stage) {
        stage.hostSocket = asServer({ ...pair(named), maxVersion, requestCert: true, rejectUnauthorized: true });
        await atEachTry(stage, folder, () => {});
      },
    })),
  ];
}

const UNTIL_RESET = "a body that ends with its connection is cut short by a reset; Envoy says that it is whole";
const UNTIL_CLOSE = "HTTP/1.1 200 OK\r\n\r\n01234";
const LENGTH_20 = "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n01234";
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n";

/** A client whose request has reached a host over TLS. */
async function asked(stage: Stage): Promise<{ readonly client: Peer; readonly host: Peer }> {
  stage.hostSocket = asServer(pair(named));
  const client = await stage.client();
  client.say(get(stage));
  const host = await stage.host();
  await host.hears("\r\n\r\n");
  return { client, host };
}

/** The same, and it was answered: the connections are idle. */
async function answered(stage: Stage): ReturnType<typeof asked> {
  const { client, host } = await asked(stage);
  host.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  await client.hears("ok");
  return { client, host };
}

const AFTERWARDS: readonly Scene[] = (["end", "cut", "reset"] as const).flatMap((how): readonly Scene[] => {
  const words = { end: "ends with close_notify", cut: "closes without close_notify", reset: "resets" }[how];
  return [
    ...["", "retry/"].flatMap((folder): readonly Scene[] => [
      {
        what: `a host before its response ${words} (${folder})`,
        async play(stage) {
          stage.hostSocket = asServer(pair(named));
          await atEachTry(stage, folder, async (host) => {
            await host.hears("\r\n\r\n");
            host[how]();
          });
        },
      },
      {
        what: `a host at the next request on its connection ${words} (${folder})`,
        async play(stage) {
          const { client, host } = await answered(stage);
          client.say(post(stage, folder));
          await host.hears("0123456789");
          host[how]();
          if (folder === "retry/") {
            const next = await stage.host();
            await next.hears("0123456789");
            next.say("HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno");
          }
          await client.hears("HTTP/1.1 ", 2);
          await stage.counts(RQ_ACTIVE, 0);
        },
      },
    ]),
    ...Object.entries({
      "within its body": LENGTH_20,
      "within its chunked body": CHUNKED,
      "within a body without a length": UNTIL_CLOSE,
    }).map(([phase, bytes]): Scene => ({
      what: `a host ${phase} ${words}`,
      ...(bytes === UNTIL_CLOSE && how === "reset" ? { different: UNTIL_RESET } : {}),
      async play(stage) {
        const { client, host } = await asked(stage);
        host.say(bytes);
        await client.hears("01234");
        host[how]();
        await stage.counts(RQ_ACTIVE, 0);
      },
    })),
    {
      what: `a host without a request ${words}`,
      async play(stage) {
        const { host } = await answered(stage);
        host[how]();
        await stage.counts(/^cluster\.outbound.*upstream_cx_active$/, 0);
      },
    },
  ];
});

const UPSTREAM_TLS: JsonObject = {
  connectTimeout: "1s",
  transportSocket: {
    name: "envoy.transport_sockets.tls",
    typedConfig: {
      "@type": `${TLS}.UpstreamTlsContext`,
      sni: "localhost",
      commonTlsContext: {
        validationContext: {
          trustedCa: { inlineString: authority.root.certificate },
          matchTypedSubjectAltNames: [{ sanType: "DNS", matcher: { exact: "localhost" } }],
        },
      },
    },
  },
};

export const TLS_HOST_ACT: Act = {
  name: "TLS, hosts",
  hosts: "host",
  options: { routes: ROUTES, cluster: UPSTREAM_TLS, logMore: " %UPSTREAM_TRANSPORT_FAILURE_REASON%" },
  scenes: [...["", "retry/", "istio/"].flatMap(inHandshake), ...AFTERWARDS],
};
