import { expect, test } from 'vitest';
import { collectGarbage } from '../../support/gc.ts';
import { snapshotOf, startInternals } from '../../support/internals.ts';
import { openChat, settle } from '../../support/linked.ts';

/* Law 5 and law 9 of the design for turns that may be resumed: what is over is gone. */

test('law 9 › when turns were left, taken up and ended › then nothing of them is held but their logs, and those for five minutes', async () => {
  const internals = startInternals();
  const { state } = internals;
  const actors: WeakRef<object>[] = [];
  const stop = internals.inspect((event) => {
    if (event.type === '@xstate.actor') actors.push(new WeakRef(event.actorRef));
  });
  const agent = await internals.agent('echo');
  // A function of its own: what the last one leaves in its variables is not to count.
  const live = async (n: number) => {
    const session_id = `s${n}`;
    const host = await internals.host();
    const { resume_token } = await openChat(host, agent, { agent_id: 'echo', session_id, resume_window_ms: 60_000 });
    const claim = { session_id, resume_token };
    const watcher = await internals.host();
    await watcher.ok('agents.chat.subscribe', { ...claim, role: 'observer' });
    agent.emit(session_id, { kind: 'approval_pending', approval_id: 'a', tool: 't' });
    host.close();
    await settle();
    const next = await internals.host();
    if (n % 3 > 0) await next.ok('agents.chat.subscribe', claim);
    if (n % 3 === 1) agent.emit(session_id, { kind: 'done', finish_reason: 'stop' });
    await settle();
    watcher.close();
    next.close();
  };
  for (let n = 0; n < 60; n += 1) await live(n);
  stop();
  await internals.advance(60_020);
  expect([state.turns.size, state.logs.detached.size, state.approvals.pendingCount]).toEqual([0, 0, 0]);
  expect(state.logs.endedCount).toBe(60);
  expect(state.logs.bytes).toBeGreaterThan(0);
  // The sweep, and no timer a turn.
  expect(state.deadlines.size).toBe(1);
  const clients = [...state.clients.values()];
  expect(clients.map(({ turns, observing, serving }) => turns.size + observing.size + serving.size)).toEqual([0]);
  await collectGarbage();
  expect(actors.filter((actor) => actor.deref() !== undefined)).toHaveLength(1);
  // Swept again and again meanwhile, as ever.
  for (let n = 0; n < 80; n += 1) await internals.advance(4_000);
  expect([state.logs.endedCount, state.logs.bytes]).toEqual([0, 0]);
  expect(Object.keys(snapshotOf(internals.root).children)).toEqual([]);
});
