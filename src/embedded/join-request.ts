// What `mizzen run` asks of the supervisor, and what it hears back: one JSON document a line, for as long as the application runs.

export interface JoinRequest {
  /** `reviews-v2` or `shop/reviews-v2`; exactly one of group and service is set. */
  readonly group?: string;
  readonly service?: { readonly name: string; readonly port: number };
  readonly namespace: string;
  /** Where the application runs: for probes of type exec. */
  readonly directory: string;
}

export type JoinEvent =
  | {
      readonly event: "joined";
      readonly instance: string;
      readonly applicationPorts: readonly { readonly name: string; readonly port: number }[];
      readonly httpProxy: { readonly address: string; readonly port: number };
      readonly yaml?: string;
    }
  /** Every proxy knows the instance. */
  | { readonly event: "live" }
  /** The mesh is being stopped: end the application. */
  | { readonly event: "stop" };

/** @throws Error that says what is wrong with the request */
export function parseJoinRequest(value: unknown): JoinRequest {
  if (typeof value !== "object" || value === null) throw new Error("the request must be a JSON object");
  const { group, service, namespace, directory } = value as Record<string, unknown>;
  if (typeof namespace !== "string" || namespace === "") throw new Error("namespace must be a name");
  if (typeof directory !== "string" || !directory.startsWith("/")) throw new Error("directory must be an absolute path");
  if (typeof group === "string" && group !== "" && service === undefined) return { group, namespace, directory };
  if (group === undefined && typeof service === "object" && service !== null) {
    const { name, port } = service as Record<string, unknown>;
    if (typeof name !== "string") throw new Error("service.name must be a name");
    if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > 65_535)
      throw new Error("service.port must be a port: 1 to 65535");
    return { service: { name, port }, namespace, directory };
  }
  throw new Error("give either a group or a service");
}
