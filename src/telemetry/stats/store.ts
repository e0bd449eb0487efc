// Statistics with Envoy's names. Each thread owns a store and is its only writer, so counting is one addition; the values are slots
// of SharedArrayBuffers that the main thread reads at any time and sums over threads.
//
// A statistic is a list of name parts, some of which are tags. The dotted name (`cluster.outbound|80||a.b.upstream_rq_total`) is
// all parts joined; Prometheus sees the parts that are not tags joined by "_" behind `envoy_`, and the tags as labels.

export interface TagPart {
  /** Envoy's tag name: `envoy.cluster_name`; Prometheus prints `envoy_cluster_name`. */
  readonly tag: string;
  readonly value: string;
}

/** A part of which a piece is a tag's value: `upstream_rq_2xx` is `upstream_rq_xx` with `envoy.response_code_class` = 2. */
export interface InnerTagPart extends TagPart {
  /** In the dotted name. */
  readonly dotted: string;
  /** In Prometheus's name, without the value. */
  readonly plain: string;
}

export type NamePart = string | TagPart | InnerTagPart;

export interface Counter {
  inc(): void;
  add(n: number): void;
  readonly value: number;
}

export interface Gauge {
  inc(): void;
  dec(): void;
  add(n: number): void;
  /** A fact that is the same on every thread: the reader takes the largest value that was set, where it adds up what was counted. */
  set(value: number): void;
  readonly value: number;
}

/** Values in the unit of the name (`_rq_time` and `_length_ms`: milliseconds; `_bytes`: bytes). */
export interface Histogram {
  record(value: number): void;
}

export interface StatsScope {
  counter(...parts: NamePart[]): Counter;
  gauge(...parts: NamePart[]): Gauge;
  histogram(...parts: NamePart[]): Histogram;
  /** A scope whose statistics start with these parts. */
  scope(...parts: NamePart[]): StatsScope;
  /**
   * Gives the slots of everything made in this scope and below back; the values are gone. Called when a cluster or listener goes. What is
   * asked of the scope after that counts nowhere.
   */
  release(): void;
}
