/** What a part of code looks like. */
export type Look = 'keyword' | 'name' | 'string' | 'number' | 'comment' | 'added' | 'removed';
/** A part of code, in order; together they are all of it. */
export type Run = readonly [text: string, look: Look | undefined];
/** What is to be coloured. */
export interface Wish {
  language: string;
  text: string;
}

/** Longer than that no code takes that means no harm. Milliseconds. */
const PATIENCE_MS = 2_000;
/** How long the program may be on its way that colours, from a daemon that is far. Milliseconds. */
const LOAD_MS = 30_000;
/** So many parts are drawn. */
const MOST_RUNS = 6_000;
/** A worker that has nothing to do is ended after so long. Milliseconds. */
const IDLE_MS = 30_000;

let worker: Worker | undefined;
let idle: ReturnType<typeof setTimeout> | undefined;
let queue: Promise<unknown> = Promise.resolve();

/**
 * Colours code, in a worker. Undefined where the language is not known, the colours are too many, or it takes too long.
 * @param info what stands behind the opening fence.
 */
export function colour(info: string, text: string): Promise<readonly Run[] | undefined> {
  const [language = ''] = /^[\w+#.-]{1,32}/.exec(info) ?? [];
  if (language === '') return Promise.resolve(undefined);
  const coloured = queue.then(() => ask({ language: language.toLowerCase(), text }));
  queue = coloured;
  return coloured;
}

async function ask(wish: Wish): Promise<readonly Run[] | undefined> {
  clearTimeout(idle);
  if (!worker) {
    worker = new Worker(new URL('./colour-worker.ts', import.meta.url), { type: 'module' });
    // Its first word is that it is there: until then it is not the code that takes long.
    if ((await wordOf(worker, LOAD_MS)) === undefined) return end();
  }
  worker.postMessage(wish);
  const runs = await wordOf(worker, PATIENCE_MS);
  if (runs === undefined) end();
  else idle = setTimeout(end, IDLE_MS);
  const isWhole = runs?.map(([text]) => text).join('') === wish.text;
  return isWhole && runs.length <= MOST_RUNS ? runs : undefined;
}

/** What it says next. */
function wordOf(of: Worker, patienceMs: number): Promise<readonly Run[] | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), patienceMs);
    const over = (runs?: readonly Run[]) => {
      clearTimeout(timer);
      resolve(runs);
    };
    of.onmessage = ({ data }: MessageEvent<readonly Run[]>) => over(data);
    of.onerror = () => over();
  });
}

function end(): undefined {
  worker?.terminate();
  worker = undefined;
}
