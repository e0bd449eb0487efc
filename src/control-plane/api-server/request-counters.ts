// Counters of the API server, named as Kubernetes names its own.
export class RequestCounters {
  readonly #requests = new Map<string, number>();
  readonly #terminated = new Map<string, number>();
  inFlight = 0;
  watches = 0;

  count(verb: string, group: string, version: string, resource: string, code: number): void {
    add(this.#requests, `code="${code}",group="${group}",resource="${resource}",verb="${verb}",version="${version}"`);
  }

  /** Refused before it was looked at: too many, too large, from a page, without credentials. */
  countRefusal(reason: string): void {
    add(this.#terminated, `reason="${reason}"`);
  }

  /** In Prometheus' text form. */
  text(): string {
    const lines = [
      "# TYPE apiserver_request_total counter",
      ...[...this.#requests].map(([labels, count]) => `apiserver_request_total{${labels}} ${count}`),
      "# TYPE apiserver_request_terminations_total counter",
      ...[...this.#terminated].map(([labels, count]) => `apiserver_request_terminations_total{${labels}} ${count}`),
      "# TYPE apiserver_current_inflight_requests gauge",
      `apiserver_current_inflight_requests ${this.inFlight}`,
      "# TYPE apiserver_longrunning_requests gauge",
      `apiserver_longrunning_requests{verb="WATCH"} ${this.watches}`,
    ];
    return `${lines.join("\n")}\n`;
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
