import { answerLater } from '../requests/answer-later.ts';
import { type Handler, type Handlers, LATER } from '../requests/dispatcher.ts';
import { Fitting } from '../requests/fitting.ts';
import { MEMORY } from './facts.ts';
import { checkedCount, checkedRows, keepFact, ownedScope } from './scope.ts';

/** `memory.add_fact` (`wire.md` section 11). */
const addFact: Handler<'memory.add_fact'> = (call) => {
  const { kernel, from, params } = call;
  kernel.get(MEMORY).count('add_fact');
  return slowly(call, 'memory.add_fact', () => keepFact(kernel, from, params));
};

/** `memory.query` (`wire.md` section 11). */
const queryFacts: Handler<'memory.query'> = (call) => {
  const { kernel, from, params } = call;
  kernel.get(MEMORY).count('query');
  return slowly(call, 'memory.query', async () => {
    const found = await kernel.get(MEMORY).store.query(ownedScope(kernel, from), params.query, params.k);
    const facts = checkedRows(found, params.k);
    const fitting = new Fitting();
    // The best, which come first.
    const { length } = fitting.first(facts);
    return fitting.isTruncated ? { facts: facts.slice(0, length), truncated: true } : { facts };
  });
};

/** `memory.delete` (`wire.md` section 11). */
const deleteFact: Handler<'memory.delete'> = (call) => {
  const { kernel, from, params } = call;
  kernel.get(MEMORY).count('delete');
  return slowly(call, 'memory.delete', async () => ({
    removed: (await kernel.get(MEMORY).store.delete(ownedScope(kernel, from), params.id)) === true,
  }));
};

/** `memory.fact_count` (`wire.md` section 11). */
const countFacts: Handler<'memory.fact_count'> = (call) => {
  const { kernel, from } = call;
  kernel.get(MEMORY).count('fact_count');
  return slowly(call, 'memory.fact_count', async () =>
    checkedCount(await kernel.get(MEMORY).store.factCount(ownedScope(kernel, from))),
  );
};

function slowly(call: Parameters<typeof answerLater>[0], method: string, work: () => Promise<unknown>): typeof LATER {
  const { kernel } = call;
  const answering = answerLater(call, method, kernel.limits.memoryTimeoutMs, work);
  kernel.get(MEMORY).answering.add(answering);
  void answering.finally(() => kernel.get(MEMORY).answering.delete(answering));
  return LATER;
}

/** What the memory answers. */
export const memoryMethods: Handlers = {
  'memory.add_fact': addFact,
  'memory.query': queryFacts,
  'memory.delete': deleteFact,
  'memory.fact_count': countFacts,
};
