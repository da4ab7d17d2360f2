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
  worker ??= new Worker(new URL('./colour-worker.ts', import.meta.url), { type: 'module' });
  const runs = await answerOf(worker, wish);
  if (runs === undefined) end();
  else idle = setTimeout(end, IDLE_MS);
  const isWhole = runs?.map(([text]) => text).join('') === wish.text;
  return isWhole && runs.length <= MOST_RUNS ? runs : undefined;
}

function answerOf(of: Worker, wish: Wish): Promise<readonly Run[] | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), PATIENCE_MS);
    const over = (runs?: readonly Run[]) => {
      clearTimeout(timer);
      resolve(runs);
    };
    of.onmessage = ({ data }: MessageEvent<readonly Run[]>) => over(data);
    of.onerror = () => over();
    of.postMessage(wish);
  });
}

function end(): void {
  worker?.terminate();
  worker = undefined;
}
