/** The values of a metric: one number, or one for each value of its label, or of its labels together. */
export type MetricValues = number | Iterable<readonly [string | readonly string[], number]>;

/** One metric of `/metrics`, read when it is scraped. Nothing of it is on a token's way. */
export interface Metric {
  readonly kind: 'counter' | 'gauge';
  /** Without `switchboard_`. */
  readonly name: string;
  /** One sentence. */
  readonly help: string;
  /** None where it has one value. Labels take values from fixed lists only, so that no client can make the text grow. */
  readonly labels?: readonly string[];
  read(): MetricValues;
}

/** A metric of one value, or of one label. */
export function metric(
  kind: Metric['kind'],
  name: string,
  help: string,
  read: () => MetricValues,
  ...labels: string[]
): Metric {
  return { kind, name, help, labels, read };
}

/** Metrics of what ended: how often, and the time that it took in all. */
export function tallies(
  name: string,
  help: string,
  read: () => ReadonlyMap<string, { count: number; ms: number }>,
): Metric[] {
  return [
    metric(
      'counter',
      `${name}_total`,
      `${help}.`,
      () => [...read()].map(([key, { count }]) => [key, count]),
      'outcome',
    ),
    metric(
      'counter',
      `${name}_seconds_total`,
      `${help}: the time they took together.`,
      () => [...read()].map(([key, { ms }]) => [key, ms / 1000]),
      'outcome',
    ),
  ];
}
