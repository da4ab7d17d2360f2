import { createRequire } from 'node:module';
import type { ELK } from 'elkjs/lib/elk-api.js';
import { describe, expect, it } from 'vitest';
import { graphOf } from '../../console/charts/graph.ts';
import { type Box, boxLinesOf, elkGraphOf, type Layout, layoutOf, sizes } from '../../console/charts/layout.ts';
import { open, reveal, whole, zoom } from '../../console/charts/viewport.ts';
import { graphOfMachine, machines } from './charts-support.ts';

const Elk = createRequire(import.meta.url)('elkjs/lib/elk.bundled.js') as new () => ELK;
const elk = new Elk();
const widths = { line: (text: string) => text.length * 6.6, name: (text: string) => text.length * 7.5 };

const layOut = async (graph: ReturnType<typeof graphOf>): Promise<Layout> =>
  layoutOf(graph, await elk.layout(elkGraphOf(graph, 'DOWN', widths)));

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

const isIn = (a: Box, b: Box): boolean =>
  a.x > b.x && a.y > b.y && a.x + a.width < b.x + b.width && a.y + a.height < b.y + b.height;

/** The part of an outer state that its own name and lines take. */
const headOf = ({ state, box }: Layout['states'][number]): Box => {
  const lines = boxLinesOf(state);
  const width = Math.max(widths.name(state.name), ...lines.map(({ text }) => widths.line(text))) + 2 * sizes.padding;
  return { ...box, width, height: sizes.header + lines.length * sizes.line };
};

describe('a chart laid out', () => {
  it.each(machines.map((machine) => [machine.id, machine] as const))(
    '%s › has a place for every state, edge and label, none over another',
    async (_, machine) => {
      const graph = graphOfMachine(machine);
      const { states, edges, starts, width, height } = await layOut(graph);
      expect(starts).toHaveLength(1 + graph.states.filter(({ type }) => type === 'compound').length);
      for (const { edge, points, label } of edges) {
        expect(points.length, edge.id).toBeGreaterThanOrEqual(2);
        expect(label?.width, edge.id).toBeGreaterThan(0);
      }
      const all = [...states.map(({ box }) => box), ...edges.flatMap(({ label }) => label ?? [])];
      for (const box of all) {
        expect(box.width * box.height).toBeGreaterThan(0);
        expect(box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height).toBe(true);
      }
      // A state lies in the one that it is in, and over its room alone: its lines are at the top.
      const outer = new Map(states.map((placed) => [placed.state.path, placed]));
      for (const { state, box } of states) {
        const around = outer.get(state.parent);
        if (around) expect(isIn(box, around.box) && !overlap(box, headOf(around))).toBe(true);
      }
      const isOuter = (path: string) => states.some(({ state }) => state.parent === path);
      const boxes = [
        ...states.map((placed) => (isOuter(placed.state.path) ? headOf(placed) : placed.box)),
        ...edges.flatMap(({ label }) => label ?? []),
      ];
      const clashes = boxes.filter((box, index) => boxes.slice(index + 1).some((other) => overlap(box, other)));
      expect(clashes).toEqual([]);
    },
  );

  it('puts nested states inside the one that they are in', async () => {
    const leaf = { type: 'atomic' as const, entry: [], exit: [], on: [] };
    const on = [{ event: 'stop', targets: ['off'], actions: [] }];
    const graph = graphOf({
      id: 'm',
      initial: 'off',
      entry: [],
      exit: [],
      on: [],
      states: {
        off: { ...leaf, on: [{ event: 'start', targets: ['on.b'], actions: [] }] },
        on: { ...leaf, type: 'compound', initial: 'a', on, states: { a: leaf, b: leaf } },
      },
    });
    const { states, starts, edges } = await layOut(graph);
    const boxOf = (path: string) => states.find(({ state }) => state.path === path)?.box ?? expect.unreachable(path);
    const outer = boxOf('on');
    for (const path of ['on.a', 'on.b']) {
      const { x, y, width, height } = boxOf(path);
      expect(x > outer.x && y > outer.y).toBe(true);
      expect(x + width < outer.x + outer.width && y + height < outer.y + outer.height).toBe(true);
    }
    expect(starts).toHaveLength(2);
    const last = edges.find(({ edge }) => edge.target === 'on.b')?.points.at(-1);
    expect(last?.y).toBeCloseTo(boxOf('on.b').y, 0);
  });
});

describe('the part of a chart that is seen', () => {
  const window = { width: 400, height: 300 };

  it('is all of a small chart, in the middle and as large as it is', () => {
    expect(whole(window, { width: 200, height: 100 })).toEqual({ scale: 1, x: 100, y: 100 });
  });

  it('is as much of a large one as can be read, with the active state in sight', () => {
    const place = { x: 900, y: 1_500, width: 100, height: 40 };
    const { scale, x, y } = open(window, { width: 1_000, height: 2_000 }, place);
    expect(scale).toBeGreaterThan(0.5);
    expect(place.x * scale + x).toBeGreaterThanOrEqual(0);
    expect((place.x + place.width) * scale + x).toBeLessThanOrEqual(window.width);
    expect(place.y * scale + y).toBeGreaterThanOrEqual(0);
    expect((place.y + place.height) * scale + y).toBeLessThanOrEqual(window.height);
  });

  it('grows about the pointer, within bounds', () => {
    const at = { x: 120, y: 80 };
    const before = { scale: 1, x: 30, y: -20 };
    const after = zoom(before, 2, at);
    expect((at.x - after.x) / after.scale).toBeCloseTo((at.x - before.x) / before.scale);
    expect(zoom(before, 1_000, at).scale).toBeLessThanOrEqual(3);
    expect(zoom(before, 1 / 1_000, at).scale).toBeGreaterThan(0.1);
  });

  it('does not move for what is in sight already', () => {
    const view = { scale: 1, x: 0, y: 0 };
    expect(reveal(view, window, { x: 50, y: 50, width: 100, height: 40 })).toEqual(view);
  });
});
