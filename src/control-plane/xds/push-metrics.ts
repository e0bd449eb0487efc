// Counters of the discovery server, named as istiod names them.

const CONVERGENCE_BUCKETS_S = [0.1, 0.5, 1, 3, 5, 10, 20, 30] as const;

export class PushMetrics {
  /** By short type name. */
  readonly pushes = new Map<string, number>();
  readonly rejects = new Map<string, number>();
  refusedStreams = 0;
  generationErrors = 0;
  readonly #buckets: number[] = CONVERGENCE_BUCKETS_S.map(() => 0);
  #convergences = 0;
  #convergenceSumS = 0;

  countPush(type: string): void {
    this.pushes.set(type, (this.pushes.get(type) ?? 0) + 1);
  }

  countReject(type: string): void {
    this.rejects.set(type, (this.rejects.get(type) ?? 0) + 1);
  }

  /** From the moment a change was pushed until a proxy had acknowledged all of it. */
  countConvergence(seconds: number): void {
    this.#convergences++;
    this.#convergenceSumS += seconds;
    for (const [index, limit] of CONVERGENCE_BUCKETS_S.entries()) {
      if (seconds <= limit) this.#buckets[index] = (this.#buckets[index] ?? 0) + 1;
    }
  }

  /** In Prometheus' text form. */
  text(connected: number, services: number): string {
    const lines = [
      "# TYPE pilot_xds gauge",
      `pilot_xds ${connected}`,
      "# TYPE pilot_services gauge",
      `pilot_services ${services}`,
      "# TYPE pilot_xds_pushes counter",
      ...[...this.pushes].map(([type, count]) => `pilot_xds_pushes{type="${type.toLowerCase()}"} ${count}`),
      "# TYPE pilot_total_xds_rejects counter",
      `pilot_total_xds_rejects ${[...this.rejects.values()].reduce((sum, count) => sum + count, 0)}`,
      ...[...this.rejects].map(([type, count]) => `pilot_xds_${type.toLowerCase()}_reject ${count}`),
      "# TYPE pilot_total_xds_internal_errors counter",
      `pilot_total_xds_internal_errors ${this.generationErrors}`,
      "# TYPE pilot_xds_refused_streams counter",
      `pilot_xds_refused_streams ${this.refusedStreams}`,
      "# TYPE pilot_proxy_convergence_time histogram",
      ...CONVERGENCE_BUCKETS_S.map((limit, index) => `pilot_proxy_convergence_time_bucket{le="${limit}"} ${this.#buckets[index] ?? 0}`),
      `pilot_proxy_convergence_time_bucket{le="+Inf"} ${this.#convergences}`,
      `pilot_proxy_convergence_time_sum ${this.#convergenceSumS}`,
      `pilot_proxy_convergence_time_count ${this.#convergences}`,
    ];
    return `${lines.join("\n")}\n`;
  }
}
