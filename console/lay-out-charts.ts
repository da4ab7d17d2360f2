import { createRequire } from 'node:module';
import type { ELK } from 'elkjs/lib/elk-api.js';
import { charts } from '../actors/families.ts';
import { definitionOf } from '../actors/shown/definition.ts';
import { ARRANGEMENTS } from './charts/arrangements.ts';
import { type ChartGraph, graphOf } from './charts/graph.ts';
import { elkGraphOf, layoutOf } from './charts/layout.ts';
import { fingerprintOf, type StoredLayout, type StoredLayouts, stored } from './charts/stored-layouts.ts';

/** Lays the charts of every machine that runs out, in every arrangement. */
export async function layOutCharts(): Promise<StoredLayouts> {
  const layouts: Record<string, readonly StoredLayout[]> = {};
  for (const { machine } of charts) {
    const graph = graphOf(definitionOf(machine));
    layouts[fingerprintOf(graph)] = await layOutChart(graph);
  }
  return layouts;
}

/** Lays one chart out in every arrangement. */
export function layOutChart(graph: ChartGraph): Promise<StoredLayout[]> {
  const Elk = createRequire(import.meta.url)('elkjs/lib/elk.bundled.js') as new () => ELK;
  const elk = new Elk();
  return Promise.all(
    ARRANGEMENTS.map(async (one) => stored(layoutOf(graph, await elk.layout(elkGraphOf(graph, one))))),
  );
}
