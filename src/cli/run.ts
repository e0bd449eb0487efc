// `mizzen run`: one more application in the running mesh, from this terminal. It has this terminal's environment and output; the mesh
// gives it a sidecar, and lets go of it when this command ends, however it ends.
import { constants } from "node:os";
import { Application } from "#agent/application";
import { applicationEnvironment } from "#agent/environment";
import { findOnPath, isNode, nodeVersion, readsProxyFromEnvironment } from "#agent/node-version";
import type { JoinEvent } from "#embedded/join-request";
import { SupervisorCallError } from "#embedded/supervisor-client";
import type { Membership, SupervisorClient } from "#embedded/supervisor-client";
import { Watchdog } from "#embedded/watchdog";
import { realClock } from "#runtime/clock";
import { CommandError } from "./command-error.ts";
import { requireClient } from "./data-directory.ts";
import { onStopRequests } from "./signals.ts";

export interface RunOptions {
  readonly group?: string;
  readonly service?: string;
  readonly port?: string;
  readonly namespace?: string;
  readonly dataDir?: string;
}

const TERM_GRACE_MS = 10_000;
/** A program that is not reachable after this long likely listens somewhere else. */
const NOT_LIVE_MS = 5_000;

function say(text: string): void {
  process.stderr.write(`mizzen: ${text}\n`);
}

function serviceOf(options: RunOptions): { readonly name: string; readonly port: number } | undefined {
  if ((options.group === undefined) === (options.service === undefined)) {
    throw new CommandError("say what joins: either --group NAME, or --service NAME --port NUMBER", 2);
  }
  if (options.service === undefined) {
    if (options.port !== undefined) throw new CommandError("--port goes with --service; a group names its ports itself", 2);
    return undefined;
  }
  const port = Number(options.port);
  if (options.port === undefined || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new CommandError("--service needs --port, a number from 1 to 65535: where the program listens and others call it", 2);
  }
  return { name: options.service, port };
}

async function warnOfOldNode(program: string, path: string): Promise<void> {
  const found = isNode(program) ? findOnPath(program, path) : undefined;
  const version = found === undefined ? undefined : await nodeVersion(found);
  if (version === undefined || readsProxyFromEnvironment(version)) return;
  say(`node ${version} ignores NODE_USE_ENV_PROXY, so its calls will not go through the sidecar; use node 22.21 or newer`);
}

export async function run(command: readonly string[], options: RunOptions): Promise<void> {
  const [program] = command;
  if (program === undefined) throw new CommandError("no command: put it behind --, e.g. mizzen run --group reviews-v2 -- node app.js", 2);
  const service = serviceOf(options);
  const { client } = requireClient(options);
  const environment = { ...process.env };
  const path = environment["MIZZEN_USER_PATH"] ?? environment["PATH"] ?? "";
  if (findOnPath(program, path) === undefined) throw new CommandError(`there is no program "${program}" on PATH`);
  await warnOfOldNode(program, path);

  let joined: Extract<JoinEvent, { event: "joined" }> | undefined;
  let onJoined: () => void = () => {};
  const whenJoined = new Promise<void>((resolve) => {
    onJoined = resolve;
  });
  let isLive = false;
  let meshStops: () => void = () => {};
  const meshStopped = new Promise<void>((resolve) => {
    meshStops = resolve;
  });
  const onEvent = (event: JoinEvent): void => {
    if (event.event === "joined") {
      joined = event;
      onJoined();
    } else if (event.event === "live") {
      isLive = true;
      say(`${joined?.instance} is live: every proxy knows it`);
    } else meshStops();
  };
  let membership: Membership;
  try {
    membership = await client.join(
      {
        namespace: options.namespace ?? "default",
        directory: process.cwd(),
        ...(service === undefined ? { group: options.group ?? "" } : { service }),
      },
      onEvent,
    );
  } catch (error) {
    if (error instanceof SupervisorCallError) throw new CommandError(error.message);
    throw error;
  }
  await Promise.race([whenJoined, membership.ended]);
  if (joined === undefined) throw new CommandError("the mesh ended before the application could join");
  const place = joined.applicationPorts.map(({ port }) => `127.0.0.1:${port}`).join(", ");
  const { instance } = joined;
  realClock.setTimer(
    NOT_LIVE_MS,
    () => {
      if (!isLive) say(`${instance} is not live yet: nothing answers on ${place}, or its probe fails; the program has to listen on PORT`);
    },
    true,
  );
  const wanted = service?.port;
  if (wanted !== undefined && joined.applicationPorts.every(({ port }) => port !== wanted))
    say(`port ${wanted} of this machine is taken: the program has to listen on PORT instead; others go on calling port ${wanted}`);
  process.exit(await live(command, joined, environment, client, membership, meshStopped));
}

async function live(
  command: readonly string[],
  joined: Extract<JoinEvent, { event: "joined" }>,
  environment: Readonly<Record<string, string | undefined>>,
  client: SupervisorClient,
  membership: Membership,
  meshStopped: Promise<void>,
): Promise<number> {
  if (joined.yaml !== undefined) process.stderr.write(`# what this command told the mesh; write it to a file to keep it\n${joined.yaml}`);
  const port = joined.applicationPorts[0]?.port;
  say(`${joined.instance} joins${port === undefined ? "" : `; the program is expected on 127.0.0.1:${port} (PORT)`}`);
  const watchdog = new Watchdog((reason) => say(`if this command is killed now, the program goes on running (${reason})`));
  const application = new Application({
    command,
    directory: process.cwd(),
    environment: applicationEnvironment({
      base: environment,
      userPath: environment["MIZZEN_USER_PATH"],
      binFolder: undefined,
      instance: joined.instance,
      applicationPorts: joined.applicationPorts,
      httpProxy: joined.httpProxy,
    }),
    output: "inherit",
    clock: realClock,
    onGroup: (event, processGroup) => watchdog.tell(event, processGroup),
  });
  let stopping = false;
  const stop = async (drain: boolean): Promise<void> => {
    if (stopping) return;
    stopping = true;
    if (drain) {
      say("draining");
      await client.drain(joined.instance).catch((error: unknown) => say(`could not drain: ${String(error)}`));
    }
    await application.stop(TERM_GRACE_MS);
  };
  const release = onStopRequests(
    (request) => {
      if (request === "ordered") void stop(true);
      else application.kill();
    },
    () => realClock.monotonicMs(),
  );
  void meshStopped.then(() => {
    say("the mesh is being stopped");
    // The mesh drains its workloads itself when it ends.
    return stop(false);
  });
  void membership.ended.then(() => {
    if (!stopping) say("the mesh is gone; ending the program");
    return stop(false);
  });
  const exit = await application.exited;
  release();
  watchdog.close();
  membership.close();
  if (exit.error !== undefined) throw new CommandError(`cannot start ${command[0]}: ${exit.error}`);
  if (stopping && (exit.signal === "SIGTERM" || exit.code === 0)) return 0;
  return exit.signal === null ? (exit.code ?? 1) : 128 + (constants.signals[exit.signal as NodeJS.Signals] ?? 0);
}
