import type { ELK } from 'elkjs/lib/elk-api.js';
import { ARRANGEMENTS } from './arrangements.ts';
import type { ChartGraph } from './graph.ts';
import { elkGraphOf, type Layout, layoutOf } from './layout.ts';
import { fingerprintOf, restored, type StoredLayouts } from './stored-layouts.ts';

let loading: Promise<ELK> | undefined;
let storing: Promise<StoredLayouts> | undefined;
const layouts = new Map<string, Promise<readonly Layout[]>>();
/** Machines are few; a page that outlives daemons of many versions still must not gather layouts for ever. */
const LAYOUTS_KEPT = 40;

/**
 * The layouts of a chart, one for each way in which it can lie. Those of the broker's own machines came with the page. Any
 * other is laid out here, once and in one way: ELK is loaded for it, and works beside the page.
 */
export function layOut(graph: ChartGraph): Promise<readonly Layout[]> {
  // Descriptions make no other layout, and yet they are in it.
  const key = JSON.stringify(graph);
  const known = layouts.get(key);
  if (known) return known;
  const laidOut = find(graph);
  layouts.set(key, laidOut);
  for (const oldest of [...layouts.keys()].slice(0, -LAYOUTS_KEPT)) layouts.delete(oldest);
  // What failed is tried again when it is wanted again.
  laidOut.catch(() => layouts.delete(key));
  return laidOut;
}

/** Loads what comes with the page, before a chart is opened: it opens at once then. */
export function loadStored(): Promise<StoredLayouts> {
  storing ??= import('virtual:chart-layouts').then(
    ({ default: all }) => all,
    (error: unknown) => {
      storing = undefined;
      throw error;
    },
  );
  return storing;
}

/** Who has looked at one chart for this long is likely to open another. Milliseconds. */
const PREPARE_AFTER_MS = 2_000;
let preparing: ReturnType<typeof setTimeout> | undefined;

/** Lays out, in a while, what is likely to be opened next. */
export function prepare(graphs: () => readonly ChartGraph[]): void {
  clearTimeout(preparing);
  preparing = setTimeout(() => {
    // What fails here fails again, and is said, where it is opened.
    for (const graph of graphs()) layOut(graph).catch(() => {});
  }, PREPARE_AFTER_MS);
}

async function find(graph: ChartGraph): Promise<readonly Layout[]> {
  const kept = (await loadStored())[fingerprintOf(graph)] ?? [];
  const found = kept.flatMap((one) => restored(graph, one) ?? []);
  return found.length > 0 ? found : [await run(graph)];
}

async function run(graph: ChartGraph): Promise<Layout> {
  loading ??= load();
  const elk = await loading.catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return layoutOf(graph, await elk.layout(elkGraphOf(graph, ARRANGEMENTS[0])));
}

async function load(): Promise<ELK> {
  const [{ default: Elk }, { default: workerUrl }] = await Promise.all([
    import('elkjs/lib/elk-api.js'),
    import('elkjs/lib/elk-worker.min.js?url'),
  ]);
  return new Elk({ workerUrl });
}
