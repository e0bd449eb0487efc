// What the supervisor and its two child processes say to each other over their IPC channels. Plain JSON.
import type { Finding } from "#api/finding";
import type { JsonObject } from "#agent/bootstrap";
import type { WorkloadSpec } from "#agent/workload-spec";
import type { LogFormat, LogLevel } from "#runtime/log";

/** A WorkloadGroup as the supervisor needs it. */
export interface RunnableGroup {
  readonly spec: WorkloadSpec;
  /** The annotation `mizzen.io/run`: a shell command; undefined when instances only join by hand. */
  readonly command: string | undefined;
  /** The folder of the file that holds the group: where the command runs. */
  readonly directory: string;
  /** Istio's `proxy.istio.io/config` terminationDrainDuration or the default, at most what the supervisor allows. */
  readonly terminationDrainMs: number;
}

export interface LogSettings {
  readonly level: LogLevel;
  readonly format: LogFormat;
}

export interface ControlPlaneStart {
  readonly type: "start";
  readonly sources: readonly string[];
  readonly recursive: boolean;
  readonly grpcPort: number;
  readonly httpPort: number;
  /** Of the Kubernetes API. */
  readonly apiPort: number;
  /** What describes this run of the mesh. */
  readonly stateDirectory: string;
  /** What outlives it: applied objects, keys, the kubeconfig. */
  readonly dataDirectory: string;
  readonly log: LogSettings;
}

export type ToControlPlane =
  | ControlPlaneStart
  /** YAML that stands in no file; replaces what the same name held before; empty text removes it. */
  | { readonly type: "objects"; readonly name: string; readonly yaml: string }
  | { readonly type: "stop" };

export type FromControlPlane =
  | { readonly type: "ready"; readonly grpcPort: number; readonly httpPort: number; readonly apiPort: number }
  | { readonly type: "failed"; readonly message: string }
  | { readonly type: "groups"; readonly groups: readonly RunnableGroup[] }
  | { readonly type: "findings"; readonly added: readonly Finding[]; readonly gone: readonly Finding[] };

export interface DataPlaneStart {
  readonly type: "start";
  readonly threads: number;
  readonly stateDirectory: string;
  readonly log: LogSettings;
}

export type ToDataPlane =
  | DataPlaneStart
  | { readonly type: "add-proxy"; readonly bootstrap: JsonObject; readonly concurrency: number; readonly logPrefix: string }
  | { readonly type: "remove-proxy"; readonly sequence: number; readonly nodeId: string; readonly drainMs: number }
  | { readonly type: "in-flight"; readonly sequence: number; readonly nodeId: string }
  | { readonly type: "stop" };

export type FromDataPlane =
  | { readonly type: "ready" }
  | { readonly type: "failed"; readonly message: string }
  | { readonly type: "proxy-failed"; readonly nodeId: string; readonly message: string }
  | { readonly type: "reply"; readonly sequence: number; readonly value: number };
