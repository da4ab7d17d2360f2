import { expect, test } from 'vitest';
import { APPROVALS } from '../../../actors/approvals/approvals.ts';
import { turnsOf } from '../../../actors/turns/client-turns.ts';
import { TURNS } from '../../../actors/turns/turns.ts';
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
  expect([state.get(TURNS).byId.size, state.get(TURNS).logs.detached.size, state.get(APPROVALS).pendingCount]).toEqual([
    0, 0, 0,
  ]);
  expect(state.get(TURNS).logs.endedCount).toBe(60);
  expect(state.get(TURNS).logs.bytes).toBeGreaterThan(0);
  // The sweep, and no timer a turn.
  expect(state.deadlines.size).toBe(1);
  const clients = [...state.clients.values()];
  const held = clients
    .map(turnsOf)
    .map(({ hosting, observing, serving }) => hosting.size + observing.size + serving.size);
  expect(held).toEqual([0]);
  await collectGarbage();
  expect(actors.filter((actor) => actor.deref() !== undefined)).toHaveLength(1);
  // Swept again and again meanwhile, as ever.
  for (let n = 0; n < 80; n += 1) await internals.advance(4_000);
  expect([state.get(TURNS).logs.endedCount, state.get(TURNS).logs.bytes]).toEqual([0, 0]);
  expect(Object.keys(snapshotOf(internals.root).children)).toEqual([]);
});
