import { common, createLowlight } from 'lowlight';
import type { Look, Run, Wish } from './colour.ts';

/* Colours code, beside the page: a text over which the library takes for ever holds up nothing else. */

const lowlight = createLowlight(common);

/** What the library calls the parts, and what they look like here. */
const LOOKS: Readonly<Record<string, Look>> = {
  keyword: 'keyword',
  literal: 'keyword',
  built_in: 'keyword',
  type: 'name',
  title: 'name',
  'selector-tag': 'keyword',
  name: 'keyword',
  section: 'name',
  attr: 'name',
  attribute: 'name',
  property: 'name',
  string: 'string',
  regexp: 'string',
  char: 'string',
  link: 'string',
  number: 'number',
  symbol: 'number',
  bullet: 'number',
  comment: 'comment',
  quote: 'comment',
  meta: 'comment',
  doctag: 'comment',
  addition: 'added',
  deletion: 'removed',
};

addEventListener('message', ({ data }: MessageEvent<Wish>) => {
  const { language, text } = data;
  const runs: Run[] = [];
  if (lowlight.registered(language)) gather(lowlight.highlight(language, text).children, undefined, runs);
  postMessage(runs);
});
// It is there.
postMessage([]);

type Nodes = ReturnType<typeof lowlight.highlight>['children'];

function gather(nodes: Nodes, look: Look | undefined, runs: Run[]): void {
  for (const node of nodes) {
    if (node.type === 'text') runs.push([node.value, look]);
    else if (node.type === 'element') gather(node.children, lookOf(node.properties.className) ?? look, runs);
  }
}

function lookOf(names: unknown): Look | undefined {
  const [name] = Array.isArray(names) ? names : [];
  return LOOKS[String(name).replace(/^hljs-/, '')];
}
