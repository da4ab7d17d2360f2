import { GAP_MS, type Sample, SPAN_MS, samples } from './history.ts';

const WIDTH = 240;
const HEIGHT = 44;

interface PlotProps {
  title: string;
  /** What is plotted. */
  of(sample: Sample): number | undefined;
  /** A value as people read it. */
  show(value: number): string;
  /** What the top of the plot is at the least, so that next to nothing looks like it. */
  least: number;
}

/** The last two minutes of one number, and what it is now. */
export function Plot({ title, of, show, least }: PlotProps) {
  const all = samples.value;
  const end = all.at(-1)?.at ?? 0;
  const points = all.flatMap((sample) => {
    const value = of(sample);
    return value === undefined ? [] : [{ at: sample.at, value }];
  });
  const newest = points.at(-1);
  const current = newest && newest.at === end ? show(newest.value) : '–';
  const highest = Math.max(0, ...points.map(({ value }) => value));
  const top = Math.max(least, highest);
  const lines = split(points).map((run) => run.map(({ at, value }) => [x(at, end), y(value, top)] as const));
  const most = points.length > 0 ? show(highest) : '–';
  return (
    <figure class="plot">
      <figcaption>
        <span class="name">{title}</span>
        <span class="value">{current}</span>
        <span class="most">max {most}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}, the last two minutes: ${current} now, ${most} at most`}
      >
        <line class="floor" x1="0" y1={HEIGHT - 0.5} x2={WIDTH} y2={HEIGHT - 0.5} />
        {lines.map((line) => (
          <g key={line[0]?.[0]}>
            <path class="area" d={`${path(line)}V${HEIGHT}H${line[0]?.[0]}Z`} />
            <path class="line" d={line.length > 1 ? path(line) : `${path(line)}h1`} />
          </g>
        ))}
      </svg>
    </figure>
  );
}

interface Point {
  at: number;
  value: number;
}

/** Nothing is drawn over a time in which nobody looked. */
function split(points: readonly Point[]): Point[][] {
  const runs: Point[][] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const point of points) {
    if (point.at - last > GAP_MS) runs.push([]);
    runs.at(-1)?.push(point);
    last = point.at;
  }
  return runs;
}

const round = (value: number) => Math.round(value * 10) / 10;
const x = (at: number, end: number) => round(WIDTH * (1 - (end - at) / SPAN_MS));
const y = (value: number, top: number) => round(HEIGHT - 1 - (HEIGHT - 4) * (value / top));
const path = (line: readonly (readonly [number, number])[]) => `M${line.map((point) => point.join(' ')).join('L')}`;
