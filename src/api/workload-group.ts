// WorkloadGroup: the template of the instances of one application, and how their health is probed.
import { field, int32, later, limited, map, message, repeated, required, string, uint32, type Decoded } from "./declaration.ts";
import { workloadTemplate } from "./workload-entry.ts";

const portNumber = limited(uint32, { rules: [{ rule: "0 < self && self <= 65535", message: "port must be between 1-65535" }] });
const notNegative = limited(int32, { minimum: 0 });

const httpHealthCheck = message("HTTPHealthCheckConfig", {
  path: field(string, "The path that is asked for"),
  port: required(portNumber, "The application's port"),
  host: field(string, "The address that is asked; without it the application's own"),
  scheme: field(
    limited(string, { rules: [{ rule: 'self in ["", "HTTP", "HTTPS"]', message: "scheme must be one of [HTTP, HTTPS]" }] }),
    "HTTP or HTTPS",
  ),
  httpHeaders: field(
    repeated(
      message("HTTPHeader", {
        name: field(limited(string, { pattern: "^[-_A-Za-z0-9]+$" }), "The header's name"),
        value: field(string, "The header's value"),
      }),
    ),
    "Headers of the probe",
  ),
});
export type HTTPHealthCheckConfig = Decoded<typeof httpHealthCheck>;

const tcpHealthCheck = message("TCPHealthCheckConfig", {
  host: field(string, "The address that is asked; without it the application's own"),
  port: required(portNumber, "The application's port"),
});
export type TCPHealthCheckConfig = Decoded<typeof tcpHealthCheck>;

const execHealthCheck = message("ExecHealthCheckConfig", {
  command: required(repeated(limited(string, { minLength: 1 })), "A program and its arguments; exit status 0 is healthy"),
});
export type ExecHealthCheckConfig = Decoded<typeof execHealthCheck>;

const grpcHealthCheck = message("GrpcHealthCheckConfig", {
  port: field(portNumber, "The application's port"),
  service: field(string, "The service that is asked about"),
});

export const readinessProbe = message(
  "ReadinessProbe",
  {
    initialDelaySeconds: field(notNegative, "Time before the first probe"),
    timeoutSeconds: field(notNegative, "Time that a probe may take"),
    periodSeconds: field(notNegative, "Time between probes"),
    successThreshold: field(notNegative, "Successes in a row until an instance is healthy"),
    failureThreshold: field(notNegative, "Failures in a row until an instance is unhealthy"),
    httpGet: field(httpHealthCheck, "Healthy when a GET is answered with 200 to 399"),
    tcpSocket: field(tcpHealthCheck, "Healthy when a connection can be opened"),
    exec: field(execHealthCheck, "Healthy when a command succeeds"),
    grpc: later(grpcHealthCheck, "Healthy when gRPC's health service says so"),
  },
  [["httpGet", "tcpSocket", "exec", "grpc"]],
);
export type ReadinessProbe = Decoded<typeof readinessProbe>;

export const workloadGroup = message("WorkloadGroup", {
  metadata: field(
    message("ObjectMeta", {
      labels: field(limited(map(string), { maxProperties: 256 }), "Labels of each instance"),
      annotations: field(limited(map(string), { maxProperties: 256 }), "Annotations of each instance"),
    }),
    "Labels and annotations of the registered entries",
  ),
  template: required(workloadTemplate, "What each instance is registered as"),
  probe: field(readinessProbe, "How the health of an instance is found out"),
});
export type WorkloadGroupSpec = Decoded<typeof workloadGroup>;
