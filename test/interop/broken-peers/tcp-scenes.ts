// A TCP proxy: half-close, and who breaks off when.
import { breaks, fill, inPhase } from "./breaks.ts";
import type { Peer } from "./peer.ts";
import type { Act, Scene, Stage } from "./stage.ts";

const CX_ACTIVE = /^listener\.127\..*\d\.downstream_cx_active$/;
const UPSTREAM_ACTIVE = /^cluster\.outbound.*upstream_cx_active$/;

async function joined(stage: Stage): Promise<{ client: Peer; host: Peer }> {
  const client = await stage.client();
  client.say("ping");
  const host = await stage.host();
  await host.hears("ping");
  return { client, host };
}

async function talking(stage: Stage): Promise<{ client: Peer; host: Peer }> {
  const { client, host } = await joined(stage);
  host.say("pong");
  await client.hears("pong");
  return { client, host };
}

const SCENES: readonly Scene[] = [
  {
    what: "a client that ends its half gets the rest",
    async play(stage) {
      const { client, host } = await talking(stage);
      client.end();
      await host.isEnded();
      host.say("more");
      await client.hears("more");
      host.end();
      await client.isEnded();
      await stage.counts(CX_ACTIVE, 0);
    },
  },
  {
    what: "a host that ends its half gets the rest",
    async play(stage) {
      const { client, host } = await talking(stage);
      host.end();
      await client.isEnded();
      client.say("more");
      await host.hears("more");
      client.end();
      await host.isEnded();
      await stage.counts(CX_ACTIVE, 0);
    },
  },
  ...inPhase("a client before anything is said", async (stage, how) => {
    const client = await stage.client();
    const host = await stage.host();
    breaks(client, how);
    await host.isEnded();
    host.end();
    await stage.counts(CX_ACTIVE, 0);
  }),
  ...inPhase("a host before anything is said", async (stage, how) => {
    const client = await stage.client();
    const host = await stage.host();
    breaks(host, how);
    await client.isEnded();
    client.end();
    await stage.counts(CX_ACTIVE, 0);
  }),
  ...inPhase("a client that has talked", async (stage, how) => {
    const { client, host } = await talking(stage);
    breaks(client, how);
    await host.isEnded();
    host.end();
    await stage.counts(CX_ACTIVE, 0);
  }),
  ...inPhase("a host that has talked", async (stage, how) => {
    const { client, host } = await talking(stage);
    breaks(host, how);
    await client.isEnded();
    client.end();
    await stage.counts(CX_ACTIVE, 0);
  }),
  ...(["closes", "resets"] as const).flatMap((how): Scene[] => [
    {
      what: `a client that does not read, and ${how}`,
      large: true,
      async play(stage) {
        const { client, host } = await talking(stage);
        client.socket.pause();
        await fill(host);
        breaks(client, how);
        await host.isEnded();
      },
    },
    {
      what: `a host that does not read, and ${how}`,
      large: true,
      async play(stage) {
        const { client, host } = await talking(stage);
        host.socket.pause();
        await fill(client);
        breaks(host, how);
        await client.isEnded();
      },
    },
    {
      what: `a host that is not read from, and ${how}`,
      large: true,
      async play(stage) {
        const { client, host } = await talking(stage);
        client.socket.pause();
        await fill(host);
        breaks(host, how);
        client.socket.resume();
        await client.isEnded();
        client.end();
        await stage.counts(UPSTREAM_ACTIVE, 0);
      },
    },
  ]),
];

const FINDS_NO_HOST: Scene = {
  what: "a connection that finds no host",
  async play(stage) {
    const client = await stage.client();
    await client.isEnded();
  },
};

/** Where a refusal comes at once, nobody knows which of the two is first. */
const SPEAKS_BEFORE: Scene = {
  what: "a client that says something before its connection finds no host",
  async play(stage) {
    const client = await stage.client();
    client.say("ping");
    await client.isEnded();
  },
};

export const TCP_ACTS: readonly Act[] = [
  { name: "TCP", hosts: "host", exactEnds: true, options: { tcpProxy: {} }, scenes: SCENES },
  { name: "TCP, nobody listens", hosts: "nobody", exactEnds: true, options: { tcpProxy: {} }, scenes: [FINDS_NO_HOST] },
  {
    name: "TCP, connecting takes too long",
    hosts: "stalled",
    exactEnds: true,
    options: { tcpProxy: {}, cluster: { connectTimeout: "0.5s" } },
    scenes: [
      FINDS_NO_HOST,
      SPEAKS_BEFORE,
      ...inPhase("a client during the connect", async (stage, how) => {
        const client = await stage.client();
        await stage.counts(UPSTREAM_ACTIVE, 1);
        breaks(client, how);
        if (how === "ends its half") await client.isEnded();
        await stage.counts(CX_ACTIVE, 0);
      }),
    ],
  },
];
