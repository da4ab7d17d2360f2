import { createRequire } from 'node:module';
import type { ELK } from 'elkjs/lib/elk-api.js';
import { charts } from '../actors/families.ts';
import { definitionOf } from '../actors/shown/definition.ts';
import { ARRANGEMENTS, type Arrangement } from './charts/arrangements.ts';
import { type ChartGraph, graphOf } from './charts/graph.ts';
import { elkGraphOf, layoutOf } from './charts/layout.ts';
import { fingerprintOf, type StoredLayout, type StoredLayouts, stored } from './charts/stored-layouts.ts';

let elk: ELK | undefined;

/** Lays the charts of every machine that runs out, in every arrangement. */
export async function layOutCharts(): Promise<StoredLayouts> {
  const layouts: Record<string, readonly StoredLayout[]> = {};
  for (const { machine } of charts) {
    const graph = graphOf(definitionOf(machine));
    layouts[fingerprintOf(graph)] = await Promise.all(ARRANGEMENTS.map((one) => layOutChart(graph, one)));
  }
  return layouts;
}

/** Lays one chart out. */
export async function layOutChart(graph: ChartGraph, arrangement: Arrangement): Promise<StoredLayout> {
  const Elk = createRequire(import.meta.url)('elkjs/lib/elk.bundled.js') as new () => ELK;
  elk ??= new Elk();
  return stored(layoutOf(graph, await elk.layout(elkGraphOf(graph, arrangement))));
}
