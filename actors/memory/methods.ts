import { answerLater } from '../requests/answer-later.ts';
import { type Handler, type Handlers, LATER } from '../requests/dispatcher.ts';
import { MEMORY } from './facts.ts';
import { checkedCount, checkedRows, keepFact, ownedScope } from './scope.ts';

/** `memory.add_fact` (`wire.md` section 11). */
const addFact: Handler<'memory.add_fact'> = (call) => {
  const { state, from, params } = call;
  state.get(MEMORY).count('add_fact');
  return slowly(call, 'memory.add_fact', () => keepFact(state, from, params));
};

/** `memory.query` (`wire.md` section 11). */
const queryFacts: Handler<'memory.query'> = (call) => {
  const { state, from, params } = call;
  state.get(MEMORY).count('query');
  return slowly(call, 'memory.query', async () => ({
    facts: checkedRows(await state.get(MEMORY).store.query(ownedScope(state, from), params.query, params.k), params.k),
  }));
};

/** `memory.delete` (`wire.md` section 11). */
const deleteFact: Handler<'memory.delete'> = (call) => {
  const { state, from, params } = call;
  state.get(MEMORY).count('delete');
  return slowly(call, 'memory.delete', async () => ({
    removed: (await state.get(MEMORY).store.delete(ownedScope(state, from), params.id)) === true,
  }));
};

/** `memory.fact_count` (`wire.md` section 11). */
const countFacts: Handler<'memory.fact_count'> = (call) => {
  const { state, from } = call;
  state.get(MEMORY).count('fact_count');
  return slowly(call, 'memory.fact_count', async () =>
    checkedCount(await state.get(MEMORY).store.factCount(ownedScope(state, from))),
  );
};

function slowly(call: Parameters<typeof answerLater>[0], method: string, work: () => Promise<unknown>): typeof LATER {
  const { state } = call;
  const answering = answerLater(call, method, state.limits.memoryTimeoutMs, work);
  state.get(MEMORY).answering.add(answering);
  void answering.finally(() => state.get(MEMORY).answering.delete(answering));
  return LATER;
}

/** What the memory answers. */
export const memoryMethods: Handlers = {
  'memory.add_fact': addFact,
  'memory.query': queryFacts,
  'memory.delete': deleteFact,
  'memory.fact_count': countFacts,
};
