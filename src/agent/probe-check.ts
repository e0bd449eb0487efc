// The checks behind a probe: one HTTP request, one TCP connection, one program. Each ends when its signal is aborted.
import { spawn } from "node:child_process";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import type { Check } from "./probe.ts";
import type { ProbeAction } from "./workload-spec.ts";

export function tcpCheck(host: string, port: number): Check {
  return (signal) =>
    new Promise((resolve) => {
      const socket = connect({ host, port });
      const end = (outcome: string | undefined): void => {
        signal.removeEventListener("abort", aborted);
        socket.destroy();
        resolve(outcome);
      };
      const aborted = (): void => end("aborted");
      signal.addEventListener("abort", aborted, { once: true });
      socket.on("connect", () => end(undefined));
      socket.on("error", (error) => end(`connect ${host}:${port}: ${error.message}`));
    });
}

function httpCheck(action: Extract<ProbeAction, { type: "http" }>, port: number): Check {
  return (signal) =>
    new Promise((resolve) => {
      const name = `GET ${action.scheme}://${action.host}:${port}${action.path}`;
      // As in Kubernetes a probe does not judge certificates, and its own user agent tells it from other requests.
      const options = {
        host: action.host,
        port,
        path: action.path,
        headers: { "user-agent": "mizzen-probe", ...action.headers },
        agent: false,
        rejectUnauthorized: false,
        signal,
      };
      const request = (action.scheme === "https" ? httpsRequest : httpRequest)(options, (response) => {
        const status = response.statusCode ?? 0;
        response.destroy();
        resolve(status >= 200 && status < 400 ? undefined : `${name} answered ${status}`);
      });
      request.on("error", (error) => resolve(`${name}: ${error.message}`));
      request.end();
    });
}

function execCheck(command: readonly string[], directory: string, environment: Readonly<Record<string, string>>): Check {
  const [program, ...args] = command;
  return (signal) =>
    new Promise((resolve) => {
      if (program === undefined) return resolve("the probe's exec command is empty");
      const child = spawn(program, args, { cwd: directory, env: environment, stdio: "ignore", signal, killSignal: "SIGKILL" });
      child.on("error", (error) => resolve(`${program}: ${error.message}`));
      child.on("exit", (code, killed) => resolve(code === 0 ? undefined : `${program} ended with ${code ?? killed}`));
    });
}

export interface CheckPlace {
  /** From the port that the group declares to the port on which this instance listens. */
  readonly applicationPort: (declared: number) => number;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
}

export function checkFor(action: ProbeAction, place: CheckPlace): Check {
  switch (action.type) {
    case "http":
      return httpCheck(action, place.applicationPort(action.port));
    case "tcp":
      return tcpCheck(action.host, place.applicationPort(action.port));
    case "exec":
      return execCheck(action.command, place.directory, place.environment);
  }
}
