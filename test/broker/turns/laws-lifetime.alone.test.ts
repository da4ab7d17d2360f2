import { expect, test } from 'vitest';
import { APPROVALS, approvalsOf } from '../../../actors/approvals/approvals.ts';
import { toolsOf } from '../../../actors/tools/client-tools.ts';
import { TOOLS } from '../../../actors/tools/tools.ts';
import { turnsOf } from '../../../actors/turns/client-turns.ts';
import { TURNS } from '../../../actors/turns/turns.ts';
import { crowdOf, type Way } from '../../support/crowd.ts';
import { collectGarbage } from '../../support/gc.ts';
import { type Internals, startInternals, watchCharts } from '../../support/internals.ts';
import { openChat, settle } from '../../support/linked.ts';

/* Laws 3, 4, 5 and 9 of the design: what has ended is gone, and what is live costs the others nothing. */

const EVERY_WAY: Way[] = ['done', 'error', 'cancel', 'replaced', 'refused', 'silent', 'tool', 'approval', 'left'];
/** With a gate before one of the crowd's tools. */
const GATED = { approvals: { methods: ['tools.execute:gated'] } };

/** Lines that repeat are said at the end of this time (`actors/kernel/sparse-log.ts`). */
const LOG_WINDOW_MS = 10_020;

/** Everything that grows with turns, by size. */
function sizes(internals: Internals) {
  const { state } = internals;
  const clients = [...state.clients.values()];
  const sum = (count: (client: (typeof clients)[number]) => number) =>
    clients.reduce((n, client) => n + count(client), 0);
  return {
    turns: state.get(TURNS).byId.size,
    hosting: sum((client) => turnsOf(client).hosting.size),
    serving: sum((client) => turnsOf(client).serving.size),
    queued: sum((client) => turnsOf(client).queued.size),
    calls: sum((client) => client.calls.size),
    toolRequests: sum((client) => toolsOf(client).requested.size),
    raised: sum((client) => approvalsOf(client).size),
    direct: state.get(TOOLS).direct.size + sum((client) => toolsOf(client).direct.size),
    approvals: state.get(APPROVALS).pendingCount,
    deadlines: state.deadlines.size,
    // Besides connections and turns.
    children: [...state.children].length - state.clients.size - state.get(TURNS).byId.size,
    scheduled: Object.keys(internals.root.system.getSnapshot()._scheduledEvents).length,
  };
}
/** A broker at rest has one deadline: its sweep. */
const AT_REST = {
  ...{ turns: 0, hosting: 0, serving: 0, queued: 0, calls: 0, toolRequests: 0, raised: 0, direct: 0, approvals: 0 },
  ...{ deadlines: 1, children: 0, scheduled: 0 },
};

test('laws 3 and 9 › when 5,000 turns have ended in every way › then no actor is left, nor anything that knew them', async () => {
  const internals = startInternals(GATED);
  const actors: WeakRef<object>[] = [];
  const stop = internals.inspect((event) => {
    if (event.type === '@xstate.actor') actors.push(new WeakRef(event.actorRef));
  });
  const many = await crowdOf(internals);
  expect(actors).toHaveLength(2);
  for (let n = 0; n < 10; n += 1) {
    await many.run(504, EVERY_WAY);
    await internals.advance(5_020);
  }
  stop();
  // 5,040 turns; of each nine one is replaced by another, one uses a tool, one asks, and one does all of that.
  expect(actors.length).toBe(2 + 5_040 + 560 * (1 + 1 + 1 + 4));
  expect(sizes(internals)).toEqual(AT_REST);
  const { endings, turns } = internals.state.counters;
  expect([...endings.values()].reduce((a, b) => a + b)).toBe(turns);
  expect(new Set(endings.keys())).toEqual(new Set(['done', 'failed', 'cancelled', 'refused']));
  // Each of these turns was accepted, and has its one terminal; the rest has its one error.
  expect(many.terminals).toBe(turns - (endings.get('refused') ?? 0));
  expect(many.errors).toBe(endings.get('refused'));
  expect([many.toolCalls, many.toolAnswers]).toEqual([1_680, 1_680]);
  const counts = (tallies: Map<string, { count: number }>) =>
    Object.fromEntries([...tallies].map(([ending, { count }]) => [ending, count]));
  expect(counts(internals.state.counters.callbacks)).toEqual({ resolved: 560, cancelled: 1_120 });
  expect(counts(internals.state.counters.approvals)).toEqual({ approved: 560, withdrawn: 1_120 });
  await collectGarbage();
  // The two connections, and nothing of any turn.
  expect(actors.filter((actor) => actor.deref() !== undefined)).toHaveLength(2);
});

test('laws 3 and 9 › when connections have come and gone › then nothing is left of them either', async () => {
  const internals = startInternals();
  for (let n = 0; n < 200; n += 1) {
    const host = await internals.host();
    const agent = await internals.agent(`agent-${n % 10}`);
    await openChat(host, agent, { agent_id: `agent-${n % 10}` });
    host.close();
    if (n % 2) agent.close();
  }
  // Until then what the log has not said of agents that come and go all the time is counted.
  await internals.advance(LOG_WINDOW_MS);
  // Each of ten ids was attached again and again; the even ones stayed.
  expect([...internals.state.attached.keys()].sort()).toEqual(['agent-0', 'agent-2', 'agent-4', 'agent-6', 'agent-8']);
  expect(internals.state.clients.size).toBe(5);
  expect(sizes(internals)).toEqual(AT_REST);
  // Whose agent has gone, of those nobody asks who had their last turn; five have one that stayed.
  expect(internals.state.get(TURNS).sessions.servedCount).toBe(5);
});

test('law 5 › when a thousand turns are live › then nothing is scheduled for any of them, and no timer but the shared one runs', async () => {
  const internals = startInternals();
  const host = await internals.host();
  const agent = await internals.agent('echo');
  const timers = () => (internals.clock as unknown as { timeouts: Map<number, unknown> }).timeouts.size;
  for (let n = 0; n < 1_000; n += 1) {
    host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: `s${n}` });
  }
  await settle();
  expect(sizes(internals)).toMatchObject({ turns: 1_000, calls: 1_000, deadlines: 1_001, scheduled: 0, children: 0 });
  expect(timers()).toBe(1);
  for (const chat of agent.received('agent.chat')) agent.answer(chat, { accepted: true });
  await settle();
  expect(sizes(internals)).toMatchObject({ turns: 1_000, calls: 0, deadlines: 1, scheduled: 0 });
  for (let n = 0; n < 1_000; n += 1) host.post('agents.chat.cancel', { session_id: `s${n}`, grace_ms: 1_000 });
  await settle();
  expect(sizes(internals)).toMatchObject({ turns: 1_000, deadlines: 1_001, scheduled: 0 });
  expect(timers()).toBe(1);
  await internals.advance(1_020);
  // So many at once end in slices.
  await expect.poll(() => sizes(internals)).toEqual(AT_REST);
});

test('law 4 › when clients choose names, and turns come and go › then the charts see a fixed set of event types', async () => {
  const internals = startInternals(GATED);
  const many = await crowdOf(internals);
  const agent = await internals.agent('talker');
  const host = await internals.host();
  await openChat(host, agent, { agent_id: 'talker', session_id: 's' });
  const seen = watchCharts([internals.root, internals.attached('talker').ref, internals.turn('s').ref]);
  await many.run(603, EVERY_WAY);
  await internals.advance(5_020);
  for (let n = 0; n < 500; n += 1) {
    agent.post(`xstate.done.actor.${n}`, {});
    agent.notify(`method.${n}`);
    agent.emit('s', { kind: `kind-${n}` });
    agent.send({ jsonrpc: '2.0', id: `answer-${n}`, result: { type: `type-${n}` } });
  }
  agent.close();
  await settle();
  const known = [
    ...['rpc.request', 'rpc.notification', 'rpc.response', 'rpc.reply', 'rpc.fail', 'rpc.call', 'rpc.notify'],
    ...['call.answered', 'ack.expired', 'turn.terminal', 'turn.cancel', 'agent.gone'],
    ...['tool.requested', 'approval.pending', 'approval.settled'],
    ...['client.gone', 'child.done', 'link.closed', 'sweep'],
  ];
  expect([...seen].sort()).toEqual(known.sort());
});
