// One GET to something of ours on loopback: an admin endpoint or the control plane's debug server.
import { request } from "node:http";
import { CommandError } from "./command-error.ts";

const TIMEOUT_MS = 10_000;

/** @throws CommandError that names `what` when it does not answer with 200 */
export function httpGet(what: string, address: string, port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => reject(new CommandError(`${what} (http://${address}:${port}${path}) ${reason}`));
    const asked = request({ host: address, port, path, agent: false, timeout: TIMEOUT_MS }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", (error) => fail(`broke off: ${error.message}`));
      response.on("end", () => {
        if (response.statusCode === 200) resolve(text);
        else fail(`answered ${response.statusCode}: ${text.slice(0, 200).trim()}`);
      });
    });
    asked.on("timeout", () => asked.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    asked.on("error", (error) => fail(`does not answer: ${error.message}; does the mesh run? (mizzen proxy-status)`));
    asked.end();
  });
}
