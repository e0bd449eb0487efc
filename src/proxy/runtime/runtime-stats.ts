// `runtime.*`, as Envoy counts it.
import type { Counter, Gauge, StatsScope } from "#telemetry/stats/store";

export class RuntimeStats {
  readonly loadSuccess: Counter;
  readonly loadError: Counter;
  readonly overrideDirExists: Counter;
  readonly overrideDirNotExists: Counter;
  readonly adminOverridesActive: Gauge;
  readonly numKeys: Gauge;
  readonly numLayers: Gauge;

  constructor(root: StatsScope) {
    const scope = root.scope("runtime");
    this.loadSuccess = scope.counter("load_success");
    this.loadError = scope.counter("load_error");
    this.overrideDirExists = scope.counter("override_dir_exists");
    this.overrideDirNotExists = scope.counter("override_dir_not_exists");
    this.adminOverridesActive = scope.gauge("admin_overrides_active");
    this.numKeys = scope.gauge("num_keys");
    this.numLayers = scope.gauge("num_layers");
  }
}
