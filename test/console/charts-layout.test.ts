import { createRequire } from 'node:module';
import type { ELK } from 'elkjs/lib/elk-api.js';
import { describe, expect, it } from 'vitest';
import { ARRANGEMENTS, type Arrangement } from '../../console/charts/arrangements.ts';
import { farNames } from '../../console/charts/far-names.ts';
import { type ChartGraph, graphOf } from '../../console/charts/graph.ts';
import {
  type Box,
  boxLinesOf,
  elkGraphOf,
  firstStatesOf,
  type Layout,
  layoutOf,
  sizes,
} from '../../console/charts/layout.ts';
import { fingerprintOf, restored, type StoredLayout } from '../../console/charts/stored-layouts.ts';
import { lineWidth, nameWidth } from '../../console/charts/text-widths.ts';
import {
  fittest,
  isFar,
  isInSight,
  open,
  READABLE,
  reveal,
  revealAll,
  whole,
  zoom,
} from '../../console/charts/viewport.ts';
import { wayOf, withOuter } from '../../console/charts/way.ts';
import { layOutChart } from '../../console/lay-out-charts.ts';
import { turnMachine } from '../../machines/turn.machine.ts';
import { graphOfMachine, machines } from './charts-support.ts';

const laidOut = new Map<string, Promise<StoredLayout>>();

/** As the console has it: laid out by its build, stored, and put together with the graph again. Each one once. */
const layoutOfChart = async (graph: ChartGraph, arrangement: Arrangement): Promise<Layout> => {
  const key = `${graph.id}, ${arrangement.name}`;
  const layout = laidOut.get(key) ?? layOutChart(graph, arrangement);
  laidOut.set(key, layout);
  return restored(graph, await layout) ?? expect.unreachable('it is of another graph');
};
const layoutsOf = (graph: ChartGraph): Promise<Layout[]> =>
  Promise.all(ARRANGEMENTS.map((one) => layoutOfChart(graph, one)));

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

const isIn = (a: Box, b: Box): boolean =>
  a.x > b.x && a.y > b.y && a.x + a.width < b.x + b.width && a.y + a.height < b.y + b.height;

/** The part of an outer state that its own name and lines take. */
const headOf = ({ state, box }: Layout['states'][number]): Box => {
  const lines = boxLinesOf(state);
  const width = Math.max(nameWidth(state.name), ...lines.map(({ text }) => lineWidth(text))) + 2 * sizes.padding;
  return { ...box, width, height: sizes.header + lines.length * sizes.line };
};

describe('a chart laid out', () => {
  it.each(machines.flatMap((machine) => ARRANGEMENTS.map((one) => [machine.id, one.name, machine, one] as const)))(
    '%s, %s › has a place for every state, edge and label, none over another',
    async (_, __, machine, arrangement) => {
      const graph = graphOfMachine(machine);
      const { states, edges, starts, width, height } = await layoutOfChart(graph, arrangement);
      expect(starts).toHaveLength(1 + graph.states.filter(({ type }) => type === 'compound').length);
      expect(starts.map(({ path }) => path)).toEqual(firstStatesOf(graph).map(({ path }) => path));
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
    const Elk = createRequire(import.meta.url)('elkjs/lib/elk.bundled.js') as new () => ELK;
    const { states, starts, edges } = layoutOf(graph, await new Elk().layout(elkGraphOf(graph, ARRANGEMENTS[0])));
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

describe('a layout that is stored', () => {
  it('is of a chart as it is: another name makes it another one, other words about it do not', () => {
    const graph = graphOfMachine(turnMachine);
    const [first, ...states] = graph.states;
    if (!first) return expect.unreachable();
    const described = { ...graph, states: [{ ...first, description: 'Another one.' }, ...states] };
    expect(fingerprintOf(described)).toBe(fingerprintOf(graph));
    const renamed = { ...graph, states: [{ ...first, path: 'other', name: 'other' }, ...states] };
    expect(fingerprintOf(renamed)).not.toBe(fingerprintOf(graph));
    const other = machines.map((machine) => fingerprintOf(graphOfMachine(machine)));
    expect(new Set(other).size).toBe(machines.length);
  });
});

describe('the chart of a turn', () => {
  const standing = ['live.host.here', 'live.agent.here', 'live.work.streaming'];
  const layoutFor = async (width: number, height: number) => {
    const layout = fittest({ width, height }, await layoutsOf(graphOfMachine(turnMachine))) ?? expect.unreachable();
    const boxOf = (path: string) => layout.states.find(({ state }) => state.path === path)?.box;
    return { layout, places: standing.map((path) => boxOf(path) ?? expect.unreachable(path)) };
  };

  it('is read whole where a window of 2,560 pixels has it', async () => {
    const window = { width: 1_924, height: 1_249 };
    const { layout, places } = await layoutFor(window.width, window.height);
    const view = open(window, layout, places);
    expect(view.scale).toBeGreaterThanOrEqual(READABLE);
    expect(isInSight(view, window, { x: 0, y: 0, ...layout })).toBe(true);
  });

  it.each([
    [1_280, 1_048, 609],
    [390, 390, 492],
  ])(
    'in a window of %i pixels › can be read, with all the states in sight in which it stands',
    async (_, width, height) => {
      const { layout, places } = await layoutFor(width, height);
      const view = open({ width, height }, layout, places);
      expect(isFar(view)).toBe(false);
      expect(places.map((place) => isInSight(view, { width, height }, place))).toEqual([true, true, true]);
    },
  );

  it('drawn too small for its texts › has names, the active ones among them, none over another', async () => {
    const { layout } = await layoutFor(1_048, 609);
    const { scale } = whole({ width: 1_048, height: 609 }, layout);
    const active = new Set(standing.flatMap(withOuter));
    const names = farNames(layout, scale, active);
    expect(names.map(({ path }) => path)).toEqual(expect.arrayContaining(standing));
    const boxes = names.map(({ name, x, y }) => {
      const width = nameWidth(name) * (10 / 13 / scale);
      return { x: x - width / 2, y: y - 10 / scale, width, height: 10 / scale };
    });
    expect(boxes.filter((box, index) => boxes.slice(index + 1).some((other) => overlap(box, other)))).toEqual([]);
  });

  it('is left with the way that was taken, each part of it where it was', async () => {
    const { layout } = await layoutFor(1_048, 609);
    const trail = new Set(['begun→dispatching', 'dispatching→refused']);
    const way = wayOf(layout, trail, new Set(['refused']));
    expect(way.states.map(({ state }) => state.path)).toEqual(['begun', 'dispatching', 'refused']);
    expect(way.edges.map(({ edge }) => edge.id)).toEqual([...trail]);
    expect(way.starts.map(({ path }) => path)).toEqual(['begun']);
    for (const placed of way.states) expect(layout.states).toContain(placed);
    expect(way.width).toBeLessThan(layout.width);
    const view = whole({ width: 1_048, height: 609 }, way);
    for (const { box } of way.states) expect(isInSight(view, { width: 1_048, height: 609 }, box)).toBe(true);
  });
});

describe('the part of a chart that is seen', () => {
  const window = { width: 400, height: 300 };

  it('is all of a small chart, in the middle and as large as it is', () => {
    expect(whole(window, { width: 200, height: 100 })).toEqual({ scale: 1, x: 100, y: 100 });
  });

  it('is as much of a large one as can be read, with the active state in sight', () => {
    const place = { x: 900, y: 1_500, width: 100, height: 40 };
    const { scale, x, y } = open(window, { width: 1_000, height: 2_000 }, [place]);
    expect(scale).toBeGreaterThan(0.9);
    expect(place.x * scale + x).toBeGreaterThanOrEqual(0);
    expect((place.x + place.width) * scale + x).toBeLessThanOrEqual(window.width);
    expect(place.y * scale + y).toBeGreaterThanOrEqual(0);
    expect((place.y + place.height) * scale + y).toBeLessThanOrEqual(window.height);
  });

  it('where there is no room for all places › has the last one in sight', () => {
    const [first, last] = [
      { x: 0, y: 0, width: 50, height: 20 },
      { x: 2_000, y: 1_500, width: 50, height: 20 },
    ] as const;
    const view = revealAll({ scale: 1, x: 0, y: 0 }, window, [first, last]);
    expect([first, last].map((place) => isInSight(view, window, place))).toEqual([false, true]);
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
