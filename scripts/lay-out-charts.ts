import { createRequire } from 'node:module';
import type { ELK } from 'elkjs/lib/elk-api.js';
import { charts } from '../actors/families.ts';
import { definitionOf } from '../actors/shown/definition.ts';
import { ARRANGEMENTS } from '../console/charts/arrangements.ts';
import { graphOf } from '../console/charts/graph.ts';
import { elkGraphOf, layoutOf } from '../console/charts/layout.ts';
import { fingerprintOf, type StoredLayouts, stored } from '../console/charts/stored-layouts.ts';

/** Lays the charts of every machine that runs out, in every arrangement. */
export async function layOutCharts(): Promise<StoredLayouts> {
  const Elk = createRequire(import.meta.url)('elkjs/lib/elk.bundled.js') as new () => ELK;
  const elk = new Elk();
  const layouts: Record<string, StoredLayouts[string]> = {};
  for (const graph of charts.map(({ machine }) => graphOf(definitionOf(machine)))) {
    const inEach = ARRANGEMENTS.map(async (one) => stored(layoutOf(graph, await elk.layout(elkGraphOf(graph, one)))));
    layouts[fingerprintOf(graph)] = await Promise.all(inEach);
  }
  return layouts;
}
