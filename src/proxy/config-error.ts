// Bad configuration from xDS. Whoever compiles a resource gathers everything that is wrong and throws once; the xDS client turns it
// into a NACK, and the last good version stays live.

export interface ConfigViolation {
  /** The field's path in the resource, proto names: `filter_chains[0].filters[1].typed_config`. */
  readonly path: string;
  readonly message: string;
}

export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code = "BAD_CONFIG";
  readonly violations: readonly ConfigViolation[];

  constructor(resource: string, violations: readonly ConfigViolation[]) {
    super(`${resource}: ${violations.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("; ")}`);
    this.violations = violations;
  }
}
