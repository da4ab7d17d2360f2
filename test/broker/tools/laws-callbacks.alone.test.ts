import { expect, test } from 'vitest';
import { APPROVALS } from '../../../actors/approvals/approvals.ts';
import { TURNS } from '../../../actors/turns/turns.ts';
import { collectGarbage } from '../../support/gc.ts';
import { startInternals } from '../../support/internals.ts';
import { type LinkedClient, type Message, settle } from '../../support/linked.ts';

/* The law of section 7: whatever happens to a tool call, its caller is answered, once. */

/** How a turn ends. `unacked`: its agent never accepts, so that what it asks for is held until then. */
const ENDINGS = ['done', 'error', 'cancel', 'grace', 'stale', 'host', 'agent', 'replaced', 'drain', 'unacked'] as const;
type Ending = (typeof ENDINGS)[number];
/** What becomes of a tool call. `left` and `parked` are pending, with the host or at the gate, when their turn ends. */
const WAYS = [
  ...(['result', 'null', 'error', 'timeout', 'progress', 'cap', 'withdraw', 'left', 'left', 'left'] as const),
  ...(['approved', 'denied', 'unanswered', 'withdraw parked', 'parked', 'parked', 'parked'] as const),
  ...(['result', 'error', 'withdraw'] as const),
];
type Way = (typeof WAYS)[number];
const AT_GATE: ReadonlySet<Way> = new Set(['approved', 'denied', 'unanswered', 'withdraw parked', 'parked']);
const TO_THE_END: ReadonlySet<Way> = new Set(['left', 'parked', 'unanswered']);
const REASONS: Partial<Record<Ending, string>> = {
  ...{ host: 'host_disconnected', agent: 'agent_disconnected', replaced: 'agent_disconnected', drain: 'draining' },
};

interface Turn {
  session: string;
  ending: Ending;
  host: LinkedClient;
  agent: LinkedClient;
}
interface Tool {
  id: string;
  turn: Turn;
  way: Way;
}

/** What the agent is to hear, in short. */
function expected({ id, turn, way }: Tool): unknown {
  const cancelled = (reason: string) => ({ code: -32018, reason });
  if (way === 'withdraw' || way === 'withdraw parked') return cancelled('agent_withdrew');
  if (turn.ending === 'unacked') return cancelled('turn_ended');
  switch (way) {
    case 'result':
    case 'approved':
      return { result: { id } };
    case 'null':
      return { result: null };
    case 'error':
      return { code: 7 };
    case 'timeout':
    case 'progress':
    case 'cap':
      return { code: -32017 };
    case 'denied':
      return { code: -32003, reason: 'denied' };
    case 'unanswered':
      return { code: -32003, reason: 'timeout' };
    default:
      return cancelled(REASONS[turn.ending] ?? 'turn_ended');
  }
}

const heard = ({ result, error }: Message): unknown =>
  error ? { code: error.code, ...(error.data?.reason ? { reason: error.data.reason } : {}) } : { result };

test('law 9 › when 1,000 callbacks on 50 turns end in every way at once › then each request is settled exactly once, and no actor is left', async () => {
  const internals = startInternals({
    limits: { staleAfterMs: 20_000 },
    approvals: { methods: ['tools.execute:gated'] },
  });
  const actors = new Map<string, { id: string; getSnapshot(): { status: string } }>();
  const stopInspecting = internals.inspect((event) => {
    const actor = event.actorRef as unknown as { id: string; getSnapshot(): { status: string } };
    if (event.type === '@xstate.actor') actors.set(actor.id, actor);
  });
  const [host, leaver, manager] = [await internals.host(), await internals.host(), await internals.manager()];
  const [agent, gone, old] = [
    await internals.agent('echo'),
    await internals.agent('gone'),
    await internals.agent('old'),
  ];
  for (const client of [host, leaver]) await client.ok('tools.register', [{ name: 'open' }, { name: 'gated' }]);

  const turns = Array.from({ length: 50 }, (_, n): Turn => {
    const ending = ENDINGS[n % ENDINGS.length] ?? 'done';
    const by = { agent: gone, replaced: old }[ending as string] ?? agent;
    return { session: `s${n}`, ending, host: ending === 'host' ? leaver : host, agent: by };
  });
  const tools = turns.flatMap((turn) =>
    WAYS.map((way, n): Tool => {
      // A turn with a tool pending is not stale.
      const known = turn.ending === 'stale' && TO_THE_END.has(way) ? 'result' : way;
      return { id: `${turn.session}:${n}`, turn, way: known };
    }),
  );
  expect(tools).toHaveLength(1_000);
  const toolOf = new Map(tools.map((tool) => [tool.id, tool]));
  const call = ({ id, turn, way }: Tool) => {
    const timeout_ms = way === 'left' ? 86_400_000 : 1_000;
    const tool = AT_GATE.has(way) ? 'gated' : 'open';
    const params = { session_id: turn.session, tool, parameters: { id }, timeout_ms };
    turn.agent.send({ jsonrpc: '2.0', id, method: 'tools.execute', params });
  };
  const answered = new Set<string>();
  /** Every host answers what is to be answered, and has not been. */
  const answer = (which: (way: Way, turn: Turn) => boolean) => {
    for (const client of [host, leaver]) {
      for (const request of client.received('tools.execute')) {
        const { id } = request.params.parameters;
        const { way, turn } = toolOf.get(id) as Tool;
        if (!which(way, turn) || answered.has(id)) continue;
        answered.add(id);
        const body =
          way === 'error' ? { error: { code: 7, message: 'no' } } : { result: way === 'null' ? null : { id } };
        client.send({ jsonrpc: '2.0', id: request.id, ...body });
      }
    }
  };
  const report = (ways: Way[]) => {
    for (const client of [host, leaver]) {
      for (const { params } of client.received('tools.execute')) {
        if (!ways.includes(toolOf.get(params.parameters.id)?.way ?? 'left')) continue;
        client.notify('tools.progress', { request_id: params.request_id, progress: 0.5 });
      }
    }
  };
  const replies = (tool: Tool): Message[] => tool.turn.agent.frames.filter((f) => f.id === tool.id && !f.method);

  for (const { session: session_id, ...turn } of turns) {
    const agent_id = { agent: 'gone', replaced: 'old' }[turn.ending as string] ?? 'echo';
    turn.host.post('agents.chat', { agent_id, prompt: 'hi', session_id });
  }
  await settle();
  for (const client of [agent, gone, old]) {
    for (const chat of client.received('agent.chat')) {
      const { ending } = turns.find(({ session }) => session === chat.params.session_id) ?? {};
      if (ending !== 'unacked') client.answer(chat, { accepted: true });
    }
  }
  await settle();
  for (const tool of tools) if (tool.way !== 'parked' || tool.turn.ending === 'unacked') call(tool);
  await settle();
  // By themselves: an answer, an error, a withdrawal, a person's word.
  answer((way) => way === 'result' || way === 'null' || way === 'error');
  for (const { id, turn, way } of tools) if (way.startsWith('withdraw')) turn.agent.notify('tools.cancel', { id });
  for (const row of (await manager.ok('host.approvals')).approvals as Message[]) {
    const { way } = toolOf.get(JSON.parse(row.details.params_preview).id) ?? {};
    const resolution = way === 'approved' ? 'approve' : 'deny';
    if (way === 'approved' || way === 'denied')
      manager.post('host.resolve_approval', { approval_id: row.id, resolution });
  }
  await settle();
  answer((way) => way === 'approved');
  // By the clock: at once, after one report, and however many reports come.
  report(['progress']);
  for (let n = 0; n < 11; n += 1) {
    await internals.advance(900);
    report(['cap']);
  }
  const capped = tools.filter(({ way, turn }) => way === 'cap' && turn.ending !== 'unacked');
  expect(capped.flatMap(replies)).toEqual([]);
  await internals.advance(120);
  expect(capped.flatMap(replies)).toHaveLength(45);
  await internals.advance(35_000);
  for (const tool of tools) if (tool.way === 'parked' && !['unacked', 'stale'].includes(tool.turn.ending)) call(tool);
  await internals.advance(15_000);
  // By their turn, or by either side.
  const pending = tools.filter((tool) => replies(tool).length === 0);
  expect(pending).toHaveLength(8 * 5 * 6);
  for (const { session: session_id, ending, ...turn } of turns) {
    if (ending === 'done') turn.agent.emit(session_id, { kind: 'done', finish_reason: 'stop' });
    if (ending === 'error') turn.agent.emit(session_id, { kind: 'error', error: 'oh' });
    if (ending === 'cancel') turn.host.post('agents.chat.cancel', { session_id });
    if (ending === 'grace') turn.host.post('agents.chat.cancel', { session_id, grace_ms: 1_000 });
  }
  leaver.close();
  gone.close();
  void internals.agent('old');
  internals.root.send({ type: 'broker.drain' });
  await internals.advance(1_020);
  // Too late, but for the turns that wait for the broker to stop.
  answer((_, { ending }) => ending !== 'drain');
  report(['timeout', 'cap']);
  await internals.advance(10_000);

  for (const tool of tools) {
    const got = replies(tool).map(heard);
    // Whoever has left hears nothing more; that it was settled all the same is counted below.
    const isDeaf = tool.turn.ending === 'agent' && pending.includes(tool);
    expect(got, `${tool.turn.ending} › ${tool.way}`).toEqual(isDeaf ? [] : [expected(tool)]);
  }
  const { callbacks, approvals, drops, endings } = internals.state.counters;
  const count = (tallies: Map<string, { count: number }>) =>
    Object.fromEntries([...tallies].map(([ending, tally]) => [ending, tally.count]));
  // All thousand, those that were held and never started among them.
  expect(count(callbacks)).toEqual({
    resolved: 45 * 4 + 5 * 7,
    rejected: 45 * 2 + 45 + 40,
    timedOut: 45 * 3,
    cancelled: 45 * 3 + 8 * 5 * 6 + 5 * 20,
  });
  expect(count(approvals)).toEqual({ approved: 45, denied: 45, expired: 40, withdrawn: 45 + 40 * 3 });
  expect(Object.fromEntries(endings)).toEqual({ done: 5, failed: 5 * 5, cancelled: 5 * 2, abandoned: 5, refused: 5 });
  expect(drops.get('late_response')).toBeGreaterThan(100);
  const cancels = host.received('tools.cancel').map(({ params }) => params.request_id);
  const called = host.received('tools.execute').filter(({ params }) => {
    const { way } = toolOf.get(params.parameters.id) ?? {};
    return way === 'left' || way === 'timeout' || way === 'progress' || way === 'cap' || way === 'withdraw';
  });
  expect(cancels.sort()).toEqual(called.map(({ id }) => id).sort());

  const { state } = internals;
  expect(internals.root.getSnapshot()).toMatchObject({ status: 'done', value: 'stopped' });
  expect([
    state.get(TURNS).byId.size,
    state.clients.size,
    state.deadlines.size,
    state.get(APPROVALS).pendingCount,
  ]).toEqual([0, 0, 0, 0]);
  stopInspecting();
  expect([...actors].filter(([, actor]) => actor.getSnapshot().status !== 'done')).toEqual([]);
  const kept = [...actors]
    .filter(([id]) => !id.startsWith('client'))
    .map(([id, actor]) => [id, new WeakRef(actor)] as const);
  expect(kept.length).toBe(50 + 45 * 20 + (45 + 45 + 40 + 45 + 40 * 3));
  actors.clear();
  await collectGarbage();
  expect(kept.filter(([, actor]) => actor.deref()).map(([id]) => id)).toEqual([]);
});
