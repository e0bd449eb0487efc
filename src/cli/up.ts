// `mizzen up`: the embedded mesh in the foreground, until Ctrl-C.
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative, resolve } from "node:path";
import { createColors } from "picocolors";
import { findingText } from "#api/finding";
import type { Finding } from "#api/finding";
import { LineOutput, splitAccessLogPrefix } from "#embedded/line-output";
import { claim, MeshHandleError } from "#embedded/mesh-handle";
import type { HeldHandle } from "#embedded/mesh-handle";
import { SupervisorApi } from "#embedded/supervisor-api";
import { Supervisor, SupervisorError } from "#embedded/supervisor";
import { realClock } from "#runtime/clock";
import type { Log } from "#runtime/log";
import { realRandom, secretToken } from "#runtime/random";
import { CommandError } from "./command-error.ts";
import { compileCacheFolder } from "./compile-cache.ts";
import { dataDirectory } from "./data-directory.ts";
import { gatewayUrls } from "./gateway-urls.ts";
import type { GatewayUrl } from "./gateway-urls.ts";
import { httpGet } from "./http-get.ts";
import { proxyRows } from "./proxy-status.ts";
import { COMMAND, memoryEnvironment, packageVersion, sampleFolder, selfCommand } from "./program-place.ts";
import { onStopRequests } from "./signals.ts";
import { nearPaths } from "./near-paths.ts";
import { parseLogOptions, terminalLog, wantsColor } from "./terminal-log.ts";

export interface UpOptions {
  readonly filename?: readonly string[];
  readonly sample?: string;
  readonly recursive?: boolean;
  readonly dataDir?: string;
  readonly concurrency?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
}

const READY_MS = 10_000;
const MOST_THREADS = 4;

type Colors = ReturnType<typeof createColors>;

function sourcesOf(options: UpOptions): readonly string[] {
  const sources = (options.filename ?? []).map((file) => resolve(file));
  for (const [index, source] of sources.entries()) {
    if (!existsSync(source)) throw new CommandError(`there is no file or directory ${options.filename?.[index]}; give one with -f`);
  }
  if (options.sample !== undefined) sources.push(sampleFolder(options.sample));
  if (sources.length === 0) throw new CommandError("nothing to run: give a directory with -f DIR, or try `mizzen up --sample bookinfo`", 2);
  return sources;
}

function threadsOf(options: UpOptions): number {
  if (options.concurrency === undefined) return Math.min(MOST_THREADS, availableParallelism());
  const threads = Number(options.concurrency);
  if (!Number.isInteger(threads) || threads < 1 || threads > 64)
    throw new CommandError(`--concurrency ${options.concurrency} is not a number from 1 to 64`, 2);
  return threads;
}

/** What the terminal shows: progress and findings of ours, and everybody's output. */
class Screen {
  readonly output: LineOutput;
  readonly #colors: Colors;
  readonly #json: boolean;
  readonly #log: Log;

  constructor(json: boolean, color: boolean, log: Log) {
    this.#json = json;
    this.#log = log;
    this.#colors = createColors(color);
    this.output = new LineOutput({
      format: json ? "json" : "text",
      color,
      write: (text) => process.stdout.write(text),
      wallMs: () => realClock.wallMs(),
    });
  }

  say(text: string): void {
    if (this.#json) this.#log.info(text);
    else process.stdout.write(`${text}\n`);
  }

  progress(step: string): void {
    this.say(this.#json ? step : `  ${this.#colors.green("✓")} ${step}`);
  }

  findings(added: readonly Finding[], gone: readonly Finding[]): void {
    for (const finding of added) {
      const text = shownFinding(finding);
      if (this.#json)
        this.#log[finding.level === "error" ? "error" : finding.level === "warning" ? "warn" : "info"](text, { code: finding.code });
      else if (finding.level === "error") this.say(this.#colors.red(text));
      else if (finding.level === "warning") this.say(this.#colors.yellow(text));
      else this.say(this.#colors.dim(text));
    }
    for (const finding of gone)
      this.say(this.#json ? `gone: ${shownFinding(finding)}` : this.#colors.green(`gone: ${shownFinding(finding)}`));
  }

  /** Lines of the data plane: an access log belongs to its proxy, the rest is the data plane's own. */
  processLine(name: string, line: string): void {
    const access = splitAccessLogPrefix(line);
    if (access !== undefined) this.output.line(`${access.proxy}/proxy`, access.line);
    else if (this.#json && line.startsWith("{")) this.output.raw(line);
    else this.output.line(name, line);
  }

  ready(urls: readonly GatewayUrl[], gatewayRefused: boolean, late: readonly string[], seconds: string, hints: readonly string[]): void {
    const { bold, cyan, dim } = this.#colors;
    if (late.length > 0) this.#log.warn(`not ready yet: ${late.join(", ")}; the mesh goes on starting them`);
    this.say(this.#json ? `ready in ${seconds} s` : `\n${bold(`Ready in ${seconds} s.`)}`);
    for (const { url, host } of urls) {
      this.say(
        this.#json
          ? `serving ${url}${host === undefined ? "" : ` for host ${host}`}`
          : `  ${cyan(url)}${host === undefined ? "" : dim(`   (curl -H 'Host: ${host}')`)}`,
      );
    }
    if (this.#json) return;
    if (urls.length === 0 && gatewayRefused)
      this.say("  Nothing is served to the outside yet: the gateway cannot serve its listeners, see above.");
    else if (urls.length === 0) this.say(dim("  No Gateway leads into the mesh: nothing is served to the outside."));
    this.say(`\nTry next:\n${hints.map((hint) => `  ${hint}`).join("\n")}\n\nStop with Ctrl-C (or \`${COMMAND} down\`).\n`);
  }
}

function shownFinding(finding: Finding): string {
  return nearPaths(findingText(finding), process.cwd());
}

function hintsFor(sources: readonly string[]): readonly string[] {
  const hints = [`${COMMAND} proxy-status`, `${COMMAND} proxy-config routes istio-ingressgateway-1`];
  for (const source of sources) {
    const shown = relative(process.cwd(), source) || ".";
    const file = join(source, "networking/virtual-service-reviews-v3.yaml");
    if (existsSync(file)) {
      hints.unshift(`cp ${shown}/networking/virtual-service-reviews-v3.yaml ${shown}/    # red stars, always; delete the copy to undo`);
    }
  }
  return hints;
}

export async function up(options: UpOptions): Promise<void> {
  const startedMs = realClock.monotonicMs();
  const environment = { ...process.env };
  const sources = sourcesOf(options);
  const logSettings = parseLogOptions(options);
  const json = logSettings.format === "json";
  const threads = threadsOf(options);
  const directory = dataDirectory(options, environment);
  const color = wantsColor(process.stdout, environment);
  const log = terminalLog(logSettings, (line) => process.stderr.write(`${line}\n`));
  const version = packageVersion();
  const screen = new Screen(json, color, log);

  const handle = claimOrFail(directory, sources);
  screen.say(`mizzen ${version}: ${sources.map((source) => relative(process.cwd(), source) || ".").join(", ")}`);

  let ready = false;
  let stopping = false;
  let exit: (code: number) => void = () => {};
  const ended = new Promise<number>((resolveExit) => {
    exit = resolveExit;
  });
  const compileCache = compileCacheFolder(environment);
  const supervisor = new Supervisor({
    self: { controlPlane: selfCommand("control-plane"), dataPlane: selfCommand("data-plane") },
    node: process.execPath,
    version,
    sources,
    recursive: options.recursive ?? false,
    dataDirectory: directory,
    environment,
    // Read by Node before our code runs, and by its threads.
    ownEnvironment: { ...memoryEnvironment(threads), ...(compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache }) },
    userPath: environment["MIZZEN_USER_PATH"],
    threads,
    // Our own processes only speak up when something is wrong, unless more is asked for.
    logSettings: options.logLevel === undefined ? { ...logSettings, level: "warn" } : logSettings,
    clock: realClock,
    random: realRandom,
    log,
    observer: {
      progress: (step) => screen.progress(step),
      findings: (added, gone) => {
        // What ends with the mesh is no news.
        if (!stopping) screen.findings(added, gone);
      },
      application: (instance, readable) => screen.output.pipe(instance, readable),
      process: (name, readable) => screen.output.pipeLines(readable, (line) => screen.processLine(name, line)),
    },
  });
  const stop = (cause: string): void => {
    stopping = true;
    screen.say(`${json ? "" : "\n"}stopping (${cause}); again to kill at once`);
    supervisor.stop().then(
      () => exit(0),
      (error: unknown) => {
        log.error("the mesh did not stop in order", { reason: String(error) });
        supervisor.kill();
        exit(1);
      },
    );
  };
  const release = onStopRequests(
    (request, cause) => {
      if (request === "ordered") return stop(cause);
      supervisor.kill();
      exit(1);
    },
    () => realClock.monotonicMs(),
  );
  // `mizzen up | head`: nobody reads any more, which is a way of saying stop.
  process.stdout.on("error", () =>
    supervisor.stop().then(
      () => exit(0),
      () => exit(1),
    ),
  );

  // The terminal is gone: SIGHUP says so as well, and stops the mesh in order.
  process.stderr.on("error", () => {});

  const token = secretToken();
  const api = new SupervisorApi(token, {
    status: () => ({ ready, ...supervisor.status() }),
    join: (request, tell) => supervisor.join(request, tell),
    drain: (instance) => supervisor.drain(instance),
    leave: (instance, reason) => supervisor.leave(instance, reason),
    stop: () => stop("mizzen down"),
  });
  const run = async (): Promise<void> => {
    const port = await api.listen();
    handle.update({ api: { port, token } });
    const late = await supervisor.start(READY_MS);
    handle.update({ controlPlane: supervisor.controlPlanePorts });
    ready = true;
    const refusing = await tellSynced(supervisor, screen);
    const gatewayRefused = refusing.some((name) => name.startsWith("istio-ingressgateway-"));
    screen.ready(
      await addresses(supervisor),
      gatewayRefused,
      late,
      ((realClock.monotonicMs() - startedMs) / 1000).toFixed(1),
      hintsFor(sources),
    );
  };
  let failure: unknown;
  run().catch((error: unknown) => {
    failure = error;
    supervisor.kill();
    exit(1);
  });
  const code = await ended;
  release();
  await api.close();
  handle.release();
  if (failure !== undefined) {
    if (failure instanceof SupervisorError) throw new CommandError(failure.message);
    throw failure;
  }
  if (code === 0) screen.say("stopped");
  process.exit(code);
}

function claimOrFail(directory: string, sources: readonly string[]): HeldHandle {
  try {
    return claim(directory, sources, realClock.wallMs());
  } catch (error) {
    if (error instanceof MeshHandleError) throw new CommandError(error.message);
    throw error;
  }
}

/** What the control plane says of the proxies: a proxy that refused something is up, but not synced. Returns who refused. */
async function tellSynced(supervisor: Supervisor, screen: Screen): Promise<readonly string[]> {
  const syncz: unknown = JSON.parse(await httpGet("the control plane", "127.0.0.1", supervisor.controlPlanePorts.httpPort, "/debug/syncz"));
  const rows = proxyRows(syncz, supervisor.status().proxies, new Map());
  const behind = rows.filter((row) => Object.values(row.types).some((state) => state !== "SYNCED" && state !== "NOT SENT"));
  const rest = behind.length === 0 ? "" : `; see \`${COMMAND} proxy-status\` for ${behind.map((row) => row.name).join(", ")}`;
  screen.progress(`proxies synced: ${rows.length - behind.length} of ${rows.length}${rest}`);
  return rows.filter((row) => row.errors.length > 0).map((row) => row.name);
}

async function addresses(supervisor: Supervisor): Promise<readonly GatewayUrl[]> {
  const admin = supervisor.gatewayAdmin;
  if (admin === undefined) return [];
  try {
    return gatewayUrls(JSON.parse(await httpGet("the gateway's admin endpoint", admin.address, admin.port, "/config_dump")));
  } catch (error) {
    if (error instanceof CommandError) return []; // the gateway is among those that are named as late
    throw error;
  }
}
