// Rows of the semantics tables that ask for what later work brings, by what they ask for.

/** In the configuration of a simulated call. */
export const LATER_KINDS_IN_CALLS: readonly RegExp[] = [/kind: Ingress\b/, /kind: EnvoyFilter\b/, /internal\.istio\.io\/gateway-service/];
