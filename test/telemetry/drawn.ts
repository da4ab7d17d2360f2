/** A span to be drawn. */
export interface DrawnSpan {
  service: string;
  name: string;
  spanId: string;
  parentSpanId: string;
  events: readonly string[];
  startNs: bigint;
  endNs: bigint;
}

const BAR = 40;
const NAMES = 62;

/** A trace as Jaeger shows it, in text: one line a span, each below what it is part of. */
export function drawn(spans: readonly DrawnSpan[]): string[] {
  const start = spans.reduce((least, { startNs }) => (startNs < least ? startNs : least), spans[0]?.startNs ?? 0n);
  const end = spans.reduce((most, { endNs }) => (endNs > most ? endNs : most), start);
  const at = (ns: bigint) => Math.round((BAR * Number(ns - start)) / Number(end - start));
  const known = new Set(spans.map(({ spanId }) => spanId));
  const below = (parent: string | undefined, depth: number): string[] =>
    spans
      .filter(({ parentSpanId }) => (parent === undefined ? !known.has(parentSpanId) : parentSpanId === parent))
      .sort((a, b) => Number(a.startNs - b.startNs))
      .flatMap((span) => {
        const { service, name, events, startNs, endNs, spanId } = span;
        const said = `${service.padEnd(13)}${'  '.repeat(depth)}${name}${events.map((event) => ` · ${event}`).join('')}`;
        const [from, to] = [at(startNs), Math.max(at(startNs) + 1, at(endNs))];
        const bar = `${' '.repeat(from)}${'█'.repeat(to - from)}`.padEnd(BAR);
        return [
          `${said.padEnd(NAMES)} ${bar} ${(Number(endNs - startNs) / 1e6).toFixed(1).padStart(6)} ms`,
          ...below(spanId, depth + 1),
        ];
      });
  return below(undefined, 0);
}

/** The same without what differs from run to run. */
export const shapeOf = (lines: readonly string[]): string[] =>
  lines.map((line) => line.replace(/ [ █]*[\d. ]+ ms$/, '').trimEnd());
