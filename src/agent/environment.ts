// What an application finds in its environment so that its calls go through its own sidecar. Pure.

export interface ApplicationEnvironment {
  /** The user's own environment. */
  readonly base: Readonly<Record<string, string | undefined>>;
  /** The user's own PATH: npm and npx put the package's programs in front of it. */
  readonly userPath: string | undefined;
  /** A folder to put before PATH, or undefined. */
  readonly binFolder: string | undefined;
  readonly instance: string;
  /** Where the application shall listen, by the name of the workload port; the first is PORT. */
  readonly applicationPorts: readonly { readonly name: string; readonly port: number }[];
  readonly httpProxy: { readonly address: string; readonly port: number };
}

// Loopback addresses never go through the sidecar: applications talk to helpers of their own there.
const NO_PROXY = "localhost,127.0.0.1,::1";

/** Names that belong to mizzen itself or would lead an application around its sidecar. */
const REMOVED = [
  "MIZZEN_USER_PATH",
  "ALL_PROXY",
  "all_proxy",
  "HTTPS_PROXY",
  "https_proxy",
  "NODE_CHANNEL_FD",
  "NODE_CHANNEL_SERIALIZATION_MODE",
];

function environmentName(portName: string): string {
  return `PORT_${portName.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")}`;
}

export function applicationEnvironment(options: ApplicationEnvironment): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.base)) {
    if (value !== undefined && !REMOVED.includes(name)) environment[name] = value;
  }
  const path = options.userPath ?? options.base["PATH"] ?? "/usr/local/bin:/usr/bin:/bin";
  environment["PATH"] = options.binFolder === undefined ? path : `${options.binFolder}:${path}`;
  const first = options.applicationPorts[0];
  if (first !== undefined) environment["PORT"] = String(first.port);
  for (const { name, port } of options.applicationPorts) environment[environmentName(name)] = String(port);
  const { address, port } = options.httpProxy;
  const proxy = `http://${address.includes(":") ? `[${address}]` : address}:${port}`;
  return {
    ...environment,
    HOST: "127.0.0.1",
    HTTP_PROXY: proxy,
    http_proxy: proxy, // curl reads only this one
    NODE_USE_ENV_PROXY: "1",
    NO_PROXY,
    no_proxy: NO_PROXY,
    // gRPC libraries would send CONNECT to HTTP_PROXY, which a sidecar's HTTP port does not serve.
    no_grpc_proxy: "*",
    MIZZEN_INSTANCE: options.instance,
  };
}
