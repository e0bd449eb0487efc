// `mizzen proxy`: the proxy alone, from an Envoy bootstrap, with Envoy's flags.
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { ConfigError } from "#proxy/config-error";
import { bootstrapOfText, withPlaces } from "#proxy/data-plane/bootstrap-file";
import type { BootstrapText } from "#proxy/data-plane/bootstrap-file";
import { startDataPlane } from "#proxy/data-plane/data-plane";
import type { JsonObject } from "@bufbuild/protobuf";
import { realClock } from "#runtime/clock";
import type { LogLevel } from "#runtime/log";
import { realRandom } from "#runtime/random";
import { CommandError } from "./command-error.ts";
import { poisonMode } from "./poison-mode.ts";
import { packageVersion } from "./program-place.ts";
import { onStopRequests } from "./signals.ts";
import { parseLogOptions, terminalLog } from "./terminal-log.ts";

export interface ProxyOptions {
  readonly configPath?: string;
  readonly configYaml?: string;
  readonly mode: string;
  readonly serviceNode?: string;
  readonly serviceCluster?: string;
  readonly concurrency?: string;
  readonly logLevel: string;
  readonly logFormat?: string;
  readonly drainTimeS: string;
  readonly allowRemoteAdmin?: boolean;
}

/** Envoy's levels, and which of ours each is. */
const LEVELS: Readonly<Record<string, LogLevel>> = {
  trace: "debug",
  debug: "debug",
  info: "info",
  warning: "warn",
  warn: "warn",
  error: "error",
  critical: "error",
  off: "off",
};

const INLINE = "--config-yaml";

function textsOf({ configPath, configYaml }: ProxyOptions): BootstrapText[] {
  const texts: BootstrapText[] = [];
  if (configPath !== undefined) {
    try {
      texts.push({ name: configPath, text: readFileSync(configPath, "utf8") });
    } catch (error) {
      throw new CommandError(`${configPath} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (configYaml !== undefined) texts.push({ name: INLINE, text: configYaml });
  if (texts.length === 0) throw new CommandError("name a bootstrap with -c FILE, or give one with --config-yaml", 2);
  return texts;
}

function wholeNumber(flag: string, text: string, lowest: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < lowest || number > 100_000)
    throw new CommandError(`${flag} ${text} is not a whole number from ${lowest} to 100000`, 2);
  return number;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export async function proxy(options: ProxyOptions): Promise<void> {
  const level = LEVELS[options.logLevel];
  if (level === undefined) throw new CommandError(`-l ${options.logLevel} is not one of ${Object.keys(LEVELS).join(", ")}`, 2);
  if (options.mode !== "serve" && options.mode !== "validate")
    throw new CommandError(`--mode ${options.mode} is not one of serve, validate`, 2);
  const drainTimeMs = wholeNumber("--drain-time-s", options.drainTimeS, 0) * 1000;
  const threads = Math.max(
    1,
    options.concurrency === undefined ? availableParallelism() : wholeNumber("--concurrency", options.concurrency, 0),
  );
  const texts = textsOf(options);
  const names = { id: options.serviceNode, cluster: options.serviceCluster };
  let bootstrap: JsonObject;
  try {
    bootstrap = bootstrapOfText(texts, names);
  } catch (error) {
    throw new CommandError(`error initializing configuration '${options.configPath ?? ""}': ${messageOf(error)}`);
  }
  if (options.mode === "validate") {
    process.stdout.write(`configuration '${options.configPath ?? ""}' OK\n`);
    return;
  }
  const logging = { ...parseLogOptions({ ...options, logLevel: level }) };
  const log = terminalLog(logging, (line) => process.stderr.write(`${line}\n`));
  const dataPlane = startDataPlane({
    clock: realClock,
    random: realRandom,
    log,
    logging,
    commandLine: { configPath: options.configPath ?? "", configYaml: options.configYaml ?? "" },
    threads,
    version: packageVersion(),
    drainTimeMs,
    poison: poisonMode(process.env, log),
    remoteAdmin: options.allowRemoteAdmin ?? false,
    onQuit: () => void dataPlane.close().then(() => process.exit(0)),
  });
  // Before the start, which may have to wait for runtime layers.
  const stopped = new Promise<void>((done) => {
    onStopRequests(
      (request, cause) => {
        log.info(request === "ordered" ? "draining" : "ending at once", { cause });
        const drained = dataPlane.proxies.map((id) => dataPlane.removeProxy(id, request === "ordered" ? drainTimeMs : 0));
        void Promise.all(drained)
          .then(() => dataPlane.close())
          .then(done);
      },
      () => realClock.monotonicMs(),
    );
  });
  try {
    await Promise.race([dataPlane.addProxy({ bootstrap, concurrency: threads, logPrefix: "" }), stopped]);
  } catch (error) {
    await dataPlane.close();
    const placed = error instanceof ConfigError ? withPlaces(error, texts) : error;
    throw new CommandError(`error initializing configuration '${options.configPath ?? ""}': ${messageOf(placed)}`);
  }
  await stopped;
  process.exit(0);
}
