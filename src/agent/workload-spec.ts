// What an agent must know of the workload that it stands beside: a WorkloadGroup reduced to plain data that can cross a process
// boundary. Whoever reads the configuration makes it; the agent reads no YAML.

export interface WorkloadPort {
  readonly name: string;
  /** The port under which the mesh knows the workload: a Service's target port. */
  readonly number: number;
  readonly protocol: string;
}

interface ProbeTiming {
  readonly initialDelaySeconds: number;
  readonly timeoutSeconds: number;
  readonly periodSeconds: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

export type ProbeAction =
  | {
      readonly type: "http";
      readonly path: string;
      readonly port: number;
      readonly host: string;
      readonly scheme: "http" | "https";
      readonly headers: Readonly<Record<string, string>>;
    }
  | { readonly type: "tcp"; readonly host: string; readonly port: number }
  | { readonly type: "exec"; readonly command: readonly string[] };

export interface ProbeSpec extends ProbeTiming {
  readonly action: ProbeAction;
}

export interface WorkloadSpec {
  readonly namespace: string;
  /** The WorkloadGroup's name: `reviews-v2`. */
  readonly group: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string;
  readonly ports: readonly WorkloadPort[];
  readonly probe: ProbeSpec | undefined;
}

// Kubernetes' defaults, which Istio takes over.
const TIMING: ProbeTiming = { initialDelaySeconds: 0, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };

/** The parts of Istio's ReadinessProbe that this version serves; anything absent gets Kubernetes' default. */
export interface ReadinessProbeFields extends Partial<{ [Key in keyof ProbeTiming]: number | undefined }> {
  readonly httpGet?:
    | {
        readonly path?: string | undefined;
        readonly port?: number | undefined;
        readonly host?: string | undefined;
        readonly scheme?: string | undefined;
        readonly httpHeaders?: readonly { readonly name?: string | undefined; readonly value?: string | undefined }[] | undefined;
      }
    | undefined;
  readonly tcpSocket?: { readonly host?: string | undefined; readonly port?: number | undefined } | undefined;
  readonly exec?: { readonly command?: readonly string[] | undefined } | undefined;
}

function actionOf(fields: ReadinessProbeFields): ProbeAction | undefined {
  if (fields.httpGet !== undefined) {
    const { path, port, host, scheme, httpHeaders } = fields.httpGet;
    return {
      type: "http",
      path: path === undefined || path === "" ? "/" : path.startsWith("/") ? path : `/${path}`,
      port: port ?? 0,
      host: host === undefined || host === "" ? "127.0.0.1" : host,
      scheme: scheme?.toLowerCase() === "https" ? "https" : "http",
      headers: Object.fromEntries((httpHeaders ?? []).map((header) => [header.name ?? "", header.value ?? ""])),
    };
  }
  if (fields.tcpSocket !== undefined) {
    const { host, port } = fields.tcpSocket;
    return { type: "tcp", host: host === undefined || host === "" ? "127.0.0.1" : host, port: port ?? 0 };
  }
  if (fields.exec !== undefined) return { type: "exec", command: fields.exec.command ?? [] };
  return undefined;
}

/** A probe with every default filled in, or undefined when `fields` names nothing that can be probed (gRPC is not served yet). */
export function probeSpec(fields: ReadinessProbeFields | undefined): ProbeSpec | undefined {
  if (fields === undefined) return undefined;
  const action = actionOf(fields);
  if (action === undefined) return undefined;
  // As in Kubernetes, 0 means "not set" for everything but the initial delay.
  const orDefault = (value: number | undefined, fallback: number): number => (value === undefined || value <= 0 ? fallback : value);
  return {
    action,
    initialDelaySeconds: fields.initialDelaySeconds ?? TIMING.initialDelaySeconds,
    timeoutSeconds: orDefault(fields.timeoutSeconds, TIMING.timeoutSeconds),
    periodSeconds: orDefault(fields.periodSeconds, TIMING.periodSeconds),
    successThreshold: orDefault(fields.successThreshold, TIMING.successThreshold),
    failureThreshold: orDefault(fields.failureThreshold, TIMING.failureThreshold),
  };
}

const PROTOCOL_PREFIXES = ["http", "http2", "grpc", "grpc-web", "https", "tls", "tcp", "udp", "mongo", "redis", "mysql"] as const;

/** Istio's protocol selection by port name: `http`, `http-api`, `grpc-web-x`; a name that says nothing is TCP to the agent. */
export function protocolOfPortName(name: string): string {
  const lower = name.toLowerCase();
  const found = PROTOCOL_PREFIXES.filter((prefix) => lower === prefix || lower.startsWith(`${prefix}-`)).sort(
    (a, b) => b.length - a.length,
  )[0];
  return (found ?? "tcp").toUpperCase();
}
