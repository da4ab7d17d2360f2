import type { Layout } from './layout.ts';
import { nameWidth } from './text-widths.ts';
import { LEAST_TEXT_PX } from './viewport.ts';

/** A state's name where there is no room for other texts. */
export interface FarName {
  readonly path: string;
  readonly name: string;
  /** Its middle and its foot, in the chart. */
  readonly x: number;
  readonly y: number;
}

/** What {@link nameWidth} is of. Pixels. */
const NAME_PX = 13;

/**
 * The names of states in a chart that is drawn too small for its texts: as large as can be read, none over another. Those of
 * active states come first, then those of the innermost.
 */
export function farNames({ states }: Layout, scale: number, active: ReadonlySet<string>): FarName[] {
  const size = LEAST_TEXT_PX / scale;
  const outer = new Set(states.map(({ state }) => state.parent));
  const rank = (path: string) => (outer.has(path) ? 2 : 0) + (active.has(path) ? 0 : 1);
  const taken: { left: number; right: number; y: number }[] = [];
  return [...states]
    .sort((a, b) => rank(a.state.path) - rank(b.state.path))
    .flatMap(({ state: { path, name }, box }) => {
      const half = (nameWidth(name) * size) / NAME_PX / 2;
      const x = outer.has(path) ? box.x + half + 4 : box.x + box.width / 2;
      const y = outer.has(path) ? box.y + size : box.y + box.height / 2 + size * 0.35;
      const isTaken = taken.some((one) => one.left < x + half && x - half < one.right && Math.abs(one.y - y) < size);
      if (isTaken) return [];
      taken.push({ left: x - half, right: x + half, y });
      return [{ path, name, x, y }];
    });
}
