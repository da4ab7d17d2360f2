import type { ELK } from 'elkjs/lib/elk-api.js';
import type { ChartGraph } from './graph.ts';
import { type Direction, elkGraphOf, type Layout, layoutOf, type TextWidths } from './layout.ts';

let loading: Promise<ELK> | undefined;
const layouts = new Map<string, Promise<Layout>>();
/** Machines are few; a page that outlives daemons of many versions still must not gather layouts for ever. */
const LAYOUTS_KEPT = 40;

/** Lays a chart out; each one once. ELK is loaded when the first chart is opened, and works beside the page. */
export function layOut(graph: ChartGraph, direction: Direction): Promise<Layout> {
  const key = JSON.stringify([direction, graph]);
  const known = layouts.get(key);
  if (known) return known;
  const layout = run(graph, direction);
  layouts.set(key, layout);
  for (const oldest of [...layouts.keys()].slice(0, -LAYOUTS_KEPT)) layouts.delete(oldest);
  // What failed is tried again when it is wanted again.
  layout.catch(() => layouts.delete(key));
  return layout;
}

/** Who has looked at one chart for this long is likely to open another. Milliseconds. */
const PREPARE_AFTER_MS = 2_000;
let preparing: ReturnType<typeof setTimeout> | undefined;

/** Lays out, in a while, what is likely to be opened next. */
export function prepare(graphs: () => readonly ChartGraph[]): void {
  clearTimeout(preparing);
  preparing = setTimeout(() => {
    // What fails here fails again, and is said, where it is opened.
    for (const graph of graphs()) layOut(graph, 'DOWN').catch(() => {});
  }, PREPARE_AFTER_MS);
}

async function run(graph: ChartGraph, direction: Direction): Promise<Layout> {
  loading ??= load();
  const elk = await loading.catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return layoutOf(graph, await elk.layout(elkGraphOf(graph, direction, textWidths())));
}

async function load(): Promise<ELK> {
  const [{ default: Elk }, { default: workerUrl }] = await Promise.all([
    import('elkjs/lib/elk-api.js'),
    import('elkjs/lib/elk-worker.min.js?url'),
  ]);
  return new Elk({ workerUrl });
}

/** As wide as the page's own fonts make them. */
function textWidths(): TextWidths {
  const canvas = document.createElement('canvas').getContext('2d');
  const style = getComputedStyle(document.documentElement);
  const measure = (font: string) => (text: string) => {
    if (!canvas) return text.length * 7;
    canvas.font = font;
    return canvas.measureText(text).width;
  };
  return {
    line: measure(`11px ${style.getPropertyValue('--mono')}`),
    name: measure(`600 13px ${style.getPropertyValue('--font')}`),
  };
}
