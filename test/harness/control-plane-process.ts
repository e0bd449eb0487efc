// `mizzen control-plane` as a process that can be killed and started again on its ports and its state.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";
import { eventually, ROOT, START_MS } from "./mesh.ts";
import { Program } from "./program.ts";

const SERVING = /serving xDS on .*, debug on (http:[^,]+), (?:the Kubernetes API by KUBECONFIG=([^;\n]+)|the objects of a cluster);/u;

export class ControlPlaneProcess {
  readonly #args: readonly string[];
  readonly #folder = mkdtempSync(join(tmpdir(), "control-plane-"));
  readonly grpcPort: number;
  readonly #apiPort: number;
  #program: Program | undefined;
  #debug = "";
  #kubeconfig = "";

  private constructor(args: readonly string[], grpcPort: number, apiPort: number) {
    this.#args = args;
    this.grpcPort = grpcPort;
    this.#apiPort = apiPort;
  }

  /** `args` of the command, beside ports and folder. */
  static async start(...args: readonly string[]): Promise<ControlPlaneProcess> {
    const controlPlane = new ControlPlaneProcess(args, await freePort(), await freePort());
    await controlPlane.run();
    return controlPlane;
  }

  get kubeconfig(): string {
    return this.#kubeconfig;
  }

  /** Where its debug server is: http://HOST:PORT */
  get debug(): string {
    return this.#debug;
  }

  get output(): string {
    return this.#program?.output ?? "";
  }

  async run(): Promise<void> {
    const ports = ["--grpc-port", String(this.grpcPort), "--http-port", "0", "--api-port", String(this.#apiPort)];
    const program = new Program([
      join(ROOT, "src/cli/main.ts"),
      "control-plane",
      ...ports,
      "--data-dir",
      this.#folder,
      "--log-level",
      "warn",
      ...this.#args,
    ]);
    this.#program = program;
    await eventually("the control plane serves", START_MS, () => {
      if (program.hasEnded) throw new Error(`the control plane ended: ${program.output}`);
      const match = SERVING.exec(program.output);
      if (match === null) return undefined;
      [, this.#debug = "", this.#kubeconfig = ""] = match;
      return true;
    });
  }

  async kill(): Promise<void> {
    await this.#program?.kill();
    this.#program = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
