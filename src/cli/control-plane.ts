// `mizzen control-plane`: the control plane as a process, on its own or as a child of `mizzen up`.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { findingText } from "#api/finding";
import type { FromControlPlane, ToControlPlane } from "#embedded/child-messages";
import { startControlPlane } from "#control-plane/control-plane";
import type { ControlPlane, ControlPlaneOptions } from "#control-plane/control-plane";
import { realClock } from "#runtime/clock";
import { CommandError } from "./command-error.ts";
import { dataDirectory } from "./data-directory.ts";
import { KUBECONFIG } from "./kubeconfig.ts";
import { etcdJournal, fileJournal, type EtcdOptions } from "./object-journal.ts";
import { packageVersion } from "./program-place.ts";
import { clusterConnection, clusterStore } from "./kubernetes/cluster-connection.ts";
import { runnableGroup } from "./runnable-groups.ts";
import { onStopRequests } from "./signals.ts";
import { superviseMe } from "./supervised-child.ts";
import { parseLogOptions, terminalLog } from "./terminal-log.ts";

export interface ControlPlaneCommandOptions extends EtcdOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly grpcPort?: string;
  readonly httpPort?: string;
  readonly address?: string;
  readonly apiPort?: string;
  readonly apiAddress?: string;
  readonly apiHost?: readonly string[];
  readonly clientCaFile?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly writeStatus?: boolean;
  readonly supervised?: boolean;
  readonly dataDir?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
}

/** What is on without being asked for: every request of the embedded mesh is logged, as in Istio's demo profile. */
const MESH_CONFIG_DEFAULTS: NonNullable<ControlPlaneOptions["meshConfigDefaults"]> = { accessLogFile: "/dev/stdout" };

/** @throws CommandError */
function authorityIn(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CommandError(`--client-ca-file ${file} cannot be read: ${(error as Error).message}`);
  }
}

function portOf(name: string, value: string | undefined): number {
  const port = Number(value);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new CommandError(`${name} ${value} is not a port: 0 to 65535`, 2);
  return port;
}

function supervised(): void {
  let running: Promise<ControlPlane> | undefined;
  const child = superviseMe<FromControlPlane>(
    (value) => {
      const message = value as ToControlPlane;
      if (message.type === "start") {
        running = startControlPlane({
          sources: message.sources,
          recursive: message.recursive,
          grpc: { address: "127.0.0.1", port: message.grpcPort },
          http: { address: "127.0.0.1", port: message.httpPort },
          stateDirectory: message.stateDirectory,
          journal: () => fileJournal(message.dataDirectory),
          api: {
            address: "127.0.0.1",
            port: message.apiPort,
            stateDirectory: message.dataDirectory,
            kubeconfig: join(message.dataDirectory, KUBECONFIG),
          },
          version: packageVersion(),
          clock: realClock,
          log: terminalLog(message.log, (line) => process.stderr.write(`${line}\n`)),
          meshConfigDefaults: MESH_CONFIG_DEFAULTS,
          onFindings: (added, gone) => child.tell({ type: "findings", added, gone }),
          onWorkloadGroups: (groups) =>
            child.tell({ type: "groups", groups: groups.map(({ object, file }) => runnableGroup(object, file)) }),
        });
        running.then(
          ({ grpcPort, httpPort, apiPort }) => child.tell({ type: "ready", grpcPort, httpPort, apiPort }),
          (error: unknown) => {
            child.tell({ type: "failed", message: error instanceof Error ? error.message : String(error) });
            process.exitCode = 1;
            process.disconnect?.();
          },
        );
        return;
      }
      if (message.type === "objects") {
        void running?.then((controlPlane) => controlPlane.setObjects(message.name, message.yaml));
        return;
      }
      void running
        ?.then((controlPlane) => controlPlane.close())
        .then(
          () => process.exit(0),
          () => process.exit(1),
        );
    },
    () => process.exit(process.exitCode ?? 0),
  );
  process.on("SIGTERM", () => {
    void running
      ?.then((controlPlane) => controlPlane.close())
      .then(
        () => process.exit(0),
        () => process.exit(1),
      );
  });
}

function apiOptions(options: ControlPlaneCommandOptions, stateDirectory: string): NonNullable<ControlPlaneOptions["api"]> {
  return {
    address: options.apiAddress ?? "127.0.0.1",
    port: portOf("--api-port", options.apiPort),
    hosts: options.apiHost ?? [],
    stateDirectory,
    kubeconfig: join(stateDirectory, KUBECONFIG),
    ...(options.clientCaFile === undefined ? {} : { clientAuthority: authorityIn(options.clientCaFile) }),
  };
}

async function alone(options: ControlPlaneCommandOptions): Promise<void> {
  const sources = (options.filename ?? []).map((file) => resolve(file));
  const connect = clusterConnection(options, process.env);
  if (sources.length === 0 && options.etcdServers === undefined && connect === undefined) {
    throw new CommandError("nothing to serve: give a directory with -f DIR, or --etcd-servers, or --kubeconfig", 2);
  }
  if (connect !== undefined && options.etcdServers !== undefined) {
    throw new CommandError("--etcd-servers keeps objects of our own API, which is not served beside a cluster's: give one of the two", 2);
  }
  const missing = sources.find((source) => !existsSync(source));
  if (missing !== undefined) throw new CommandError(`there is no file or directory ${missing}; give one with -f`);
  const log = terminalLog(parseLogOptions(options), (line) => process.stderr.write(`${line}\n`));
  const etcd = etcdJournal(options, log);
  const address = options.address ?? "127.0.0.1";
  const stateDirectory = join(dataDirectory(options, process.env), "control-plane-alone");
  const cluster =
    connect === undefined ? undefined : { store: clusterStore(connect, log.scope("cluster")), writesStatus: options.writeStatus === true };
  let controlPlane: ControlPlane;
  try {
    controlPlane = await startControlPlane({
      sources,
      recursive: options.recursive ?? false,
      grpc: { address, port: portOf("--grpc-port", options.grpcPort) },
      http: { address: "127.0.0.1", port: portOf("--http-port", options.httpPort) },
      stateDirectory,
      // Objects are a cluster's or our own API's, never both: nobody would know where one is.
      ...(cluster === undefined
        ? { journal: etcd ?? (() => fileJournal(stateDirectory)), api: apiOptions(options, stateDirectory) }
        : { cluster }),
      version: packageVersion(),
      clock: realClock,
      log,
      meshConfigDefaults: MESH_CONFIG_DEFAULTS,
      onFindings: (added, gone) => {
        for (const finding of added) process.stdout.write(`${findingText(finding)}\n`);
        for (const finding of gone) process.stdout.write(`gone: ${findingText(finding)}\n`);
      },
    });
  } catch (error) {
    throw new CommandError(error instanceof Error ? error.message : String(error));
  }
  const objects =
    cluster === undefined ? `the Kubernetes API by KUBECONFIG=${join(stateDirectory, KUBECONFIG)}` : "the objects of a cluster";
  process.stdout.write(
    `serving xDS on ${address}:${controlPlane.grpcPort}, debug on http://127.0.0.1:${controlPlane.httpPort}, ${objects}; stop with Ctrl-C\n`,
  );
  await new Promise<void>((done) => {
    onStopRequests(
      (request) => {
        if (request === "at-once") process.exit(1);
        void controlPlane.close().then(done);
      },
      () => realClock.monotonicMs(),
    );
  });
}

export async function controlPlane(options: ControlPlaneCommandOptions): Promise<void> {
  if (options.supervised !== true) return alone(options);
  supervised();
}
