// A kubeconfig for this server, with the token in it.
import type { Credentials } from "./credentials.ts";

const NAME = "mizzen";

export function kubeconfigText(server: string, { authority, token }: Pick<Credentials, "authority" | "token">): string {
  const certificate = Buffer.from(authority).toString("base64");
  return `apiVersion: v1
kind: Config
clusters:
  - name: ${NAME}
    cluster:
      server: ${server}
      certificate-authority-data: ${certificate}
users:
  - name: ${NAME}
    user:
      token: ${token}
contexts:
  - name: ${NAME}
    context:
      cluster: ${NAME}
      user: ${NAME}
      namespace: default
current-context: ${NAME}
`;
}
