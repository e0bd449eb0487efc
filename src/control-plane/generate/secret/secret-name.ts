// Names under which proxies ask for secrets, in Istio's forms: `kubernetes://name` (in the proxy's namespace), `kubernetes://ns/name`,
// `kubernetes-gateway://ns/name`, `configmap://ns/name-cacert`; with `-cacert` the authorities that belong to the credential are meant.

export interface SecretName {
  readonly source: "Secret" | "ConfigMap";
  readonly namespace: string;
  /** Without `-cacert`. */
  readonly name: string;
  readonly holds: "certificate" | "authorities";
}

const AUTHORITIES = "-cacert";
const FORM = /^(?<scheme>kubernetes|kubernetes-gateway|configmap):\/\/(?:(?<namespace>[^/]+)\/)?(?<name>[^/]+)$/u;

/** Undefined: no name that the control plane serves. */
export function parseSecretName(text: string, proxyNamespace: string): SecretName | undefined {
  const { scheme, namespace, name } = FORM.exec(text)?.groups ?? {};
  if (scheme === undefined || name === undefined) return undefined;
  // Only within its own namespace does a proxy need not say where.
  if (namespace === undefined && scheme !== "kubernetes") return undefined;
  const ofAuthorities = name.endsWith(AUTHORITIES);
  // A ConfigMap holds nothing that would have to be kept secret.
  if (scheme === "configmap" && !ofAuthorities) return undefined;
  return {
    source: scheme === "configmap" ? "ConfigMap" : "Secret",
    namespace: namespace ?? proxyNamespace,
    name: ofAuthorities ? name.slice(0, -AUTHORITIES.length) : name,
    holds: ofAuthorities ? "authorities" : "certificate",
  };
}
