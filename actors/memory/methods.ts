import { answerLater } from '../requests/answer-later.ts';
import { type Handler, LATER } from '../requests/dispatcher.ts';
import { checkedCount, checkedRows, keepFact, ownedScope } from './scope.ts';

/** `memory.add_fact` (`wire.md` section 11). */
export const addFact: Handler<'memory.add_fact'> = (call) => {
  const { state, from, params } = call;
  state.counters.memory('add_fact');
  return slowly(call, 'memory.add_fact', () => keepFact(state, from, params));
};

/** `memory.query` (`wire.md` section 11). */
export const queryFacts: Handler<'memory.query'> = (call) => {
  const { state, from, params } = call;
  state.counters.memory('query');
  return slowly(call, 'memory.query', async () => ({
    facts: checkedRows(await state.memory.query(ownedScope(state, from), params.query, params.k), params.k),
  }));
};

/** `memory.delete` (`wire.md` section 11). */
export const deleteFact: Handler<'memory.delete'> = (call) => {
  const { state, from, params } = call;
  state.counters.memory('delete');
  return slowly(call, 'memory.delete', async () => ({
    removed: (await state.memory.delete(ownedScope(state, from), params.id)) === true,
  }));
};

/** `memory.fact_count` (`wire.md` section 11). */
export const countFacts: Handler<'memory.fact_count'> = (call) => {
  const { state, from } = call;
  state.counters.memory('fact_count');
  return slowly(call, 'memory.fact_count', async () =>
    checkedCount(await state.memory.factCount(ownedScope(state, from))),
  );
};

function slowly(call: Parameters<typeof answerLater>[0], method: string, work: () => Promise<unknown>): typeof LATER {
  const { state } = call;
  const answering = answerLater(call, method, state.limits.memoryTimeoutMs, work);
  state.answering.add(answering);
  void answering.finally(() => state.answering.delete(answering));
  return LATER;
}
