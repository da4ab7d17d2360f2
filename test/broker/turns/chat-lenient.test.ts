import { describe, expect, test } from 'vitest';
import type { chatEventKinds } from '../../../protocol/events.ts';
import { type Message, openChat, settle, startLinked } from '../../support/linked.ts';
import { readDrops, readMetric } from '../../support/metrics.ts';
import { approvalsOf } from '../../support/tool-scene.ts';

/* What agents in other languages really send (`wire.md` head, and section 6): it is read, or its turn ends all the same. */

/** A streaming turn in session `s`, and what the broker has said at `warn`. */
async function stream() {
  const warned: Message[] = [];
  const log = {
    debug() {},
    info() {},
    error() {},
    warn: (fields: object, what: string) => warned.push({ what, ...fields }),
  };
  const linked = startLinked({ log });
  const host = await linked.host();
  const agent = await linked.agent('echo');
  const { turn_id } = await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  return { linked, host, agent, warned, turnId: turn_id as string };
}

/** What each kind needs, and null for all that it may have. */
const nulls: Record<
  Exclude<keyof typeof chatEventKinds, 'gate_pending' | 'gate_resolved' | 'agent_away' | 'agent_back'>,
  object
> = {
  token: { delta: 'a' },
  tool_call: { tool: 't', call_id: null, sequence: null, params: null },
  tool_result: { tool: 't', ok: true, call_id: null, sequence: null, excerpt: null, evidence: null },
  approval_pending: { approval_id: 'a', tool: null, action: 'x', params: null, details: null, deadline: null },
  approval_resolved: { approval_id: 'a', resolution: 'deny' },
  goal_evaluated: { iteration: 1, met: true, grounded: true, reason: 'r' },
  done: { finish_reason: 'stop', text: null },
  error: { error: 'e', code: null, retryable: null },
  auth_required: { reason: 'r', message: 'm' },
};

describe('agent.chat.event › when its agent writes null for what it has not', () => {
  test.each(Object.entries(nulls))(
    '%s › then it goes on with its nulls, and nothing is wrong with it',
    async (kind, fields) => {
      const { linked, host, agent, warned, turnId } = await stream();
      agent.emit('s', { kind, ...fields, turn_id: null, seq: null, more: null });
      await settle();
      const stamp = { session_id: 's', agent_id: 'echo', turn_id: turnId, seq: 1 };
      expect(host.events()).toEqual([{ kind, ...fields, more: null, ...stamp }]);
      expect(warned).toEqual([]);
      expect(await readDrops(linked.broker)).toEqual({});
    },
  );

  test.each(Object.entries(nulls))('%s › and an empty turn_id, it reads as absent', async (kind, fields) => {
    const { linked, host, agent, warned, turnId } = await stream();
    agent.emit('s', { kind, ...fields, turn_id: '' });
    await settle();
    expect(host.events()).toEqual([{ kind, ...fields, session_id: 's', agent_id: 'echo', turn_id: turnId, seq: 1 }]);
    expect(warned).toEqual([]);
    expect(await readDrops(linked.broker)).toEqual({});
  });

  test('approval_pending › then its row has none of it', async () => {
    const { host, agent } = await stream();
    agent.emit('s', { kind: 'approval_pending', ...nulls.approval_pending });
    await settle();
    const [row] = await approvalsOf(host);
    expect(row.action).toBe('x');
    expect(Object.keys(row.details).sort()).toEqual(['approval_id', 'session_id', 'source', 'turn_id']);
  });
});

describe('agent.chat.event › when a terminal lacks what it needs', () => {
  test.each<[event: Message, reads: object, field: string]>([
    [{ kind: 'done' }, { finish_reason: 'stop' }, 'finish_reason'],
    [{ kind: 'done', delta: 'x', finish_reason: null }, { finish_reason: 'stop', delta: 'x' }, 'finish_reason'],
    [{ kind: 'done', finish_reason: 7, text: 't' }, { finish_reason: 'stop', text: 't' }, 'finish_reason'],
    [{ kind: 'done', finish_reason: 'length', text: 1 }, { finish_reason: 'length' }, 'text'],
    [{ kind: 'error' }, { error: 'the agent gave no reason' }, 'error'],
    [{ kind: 'error', error: { message: 'oh' } }, { error: 'the agent gave no reason' }, 'error'],
    [{ kind: 'error', error: 'oh', retryable: 'yes', code: {} }, { error: 'oh' }, 'code'],
    [{ kind: 'auth_required' }, { reason: 'unknown', message: '' }, 'reason'],
    [{ kind: 'auth_required', reason: 'r' }, { reason: 'r', message: '' }, 'message'],
    [{ kind: 'done', turn_id: 7 }, { finish_reason: 'stop' }, 'turn_id'],
    [{ kind: 'done', finish_reason: '' }, { finish_reason: 'stop' }, 'finish_reason'],
    [{ kind: 'error', error: '' }, { error: 'the agent gave no reason' }, 'error'],
    [{ kind: 'auth_required', reason: '', message: 'm' }, { reason: 'unknown', message: 'm' }, 'reason'],
  ])('%j › then it is repaired, and ends its turn', async (event, reads, field) => {
    const { linked, host, agent, warned, turnId } = await stream();
    agent.emit('s', event);
    await settle();
    const stamp = { session_id: 's', agent_id: 'echo', turn_id: turnId, seq: 1 };
    expect(host.events()).toEqual([{ kind: event.kind, ...reads, ...stamp }]);
    expect(await host.ok('agents.chat.sessions')).toEqual({ sessions: [] });
    expect(await readDrops(linked.broker)).toEqual({});
    expect(warned).toMatchObject([{ session: 's', agent: 'echo', kind: event.kind }]);
    expect([field, 'finish_reason']).toContain(warned[0].field);
  });

  test('or holds what cannot be written › then that is left out, and its turn ends', async () => {
    const { host, agent } = await stream();
    const deep = `${'['.repeat(199)}${']'.repeat(199)}`;
    agent.send(
      `{"jsonrpc":"2.0","method":"agent.chat.event","params":{"session_id":"s","kind":"done","finish_reason":"stop","usage":1e400,"deep":[${deep}],"n":1}}`,
    );
    await settle();
    const [event] = host.events();
    expect(event).toMatchObject({ kind: 'done', finish_reason: 'stop', n: 1 });
    expect(Object.keys(event)).not.toContain('usage');
    expect(Object.keys(event)).not.toContain('deep');
  });
});

describe('agent.chat.event › when a field that may be left out is of the wrong type', () => {
  test.each<[event: Message, reads: object, field: string]>([
    [{ kind: 'token', delta: 'a', turn_id: 7 }, { delta: 'a' }, 'turn_id'],
    [{ kind: 'tool_call', tool: 't', sequence: '1', call_id: 2, params: null }, { tool: 't', params: null }, 'call_id'],
    [{ kind: 'tool_result', tool: 't', ok: true, excerpt: [] }, { tool: 't', ok: true }, 'excerpt'],
    [
      { kind: 'approval_pending', approval_id: 'a', action: 'x', tool: 7, deadline: {} },
      { approval_id: 'a', action: 'x' },
      'tool',
    ],
    [{ kind: 'todos', turn_id: [], items: [1] }, { items: [1] }, 'turn_id'],
  ])('%j › then it goes on without it', async (event, reads, field) => {
    const { linked, host, agent, warned, turnId } = await stream();
    agent.emit('s', event);
    await settle();
    const stamp = { session_id: 's', agent_id: 'echo', turn_id: turnId, seq: 1 };
    expect(host.events()).toEqual([{ kind: event.kind, ...reads, ...stamp }]);
    expect(warned).toMatchObject([{ session: 's', agent: 'echo', kind: event.kind, field }]);
    expect(await readMetric(linked.broker, 'events_mended_total')).toEqual({ '': 1 });
  });

  test('but where it is what is needed of two › then it is dropped', async () => {
    const { linked, host, agent, warned } = await stream();
    agent.emit('s', { kind: 'approval_pending', approval_id: 'a', tool: 7, action: null });
    await settle();
    expect(host.events()).toEqual([]);
    expect(warned).toMatchObject([{ field: 'tool', dropped: 1 }]);
    expect(await readDrops(linked.broker)).toEqual({ malformed_event: 1 });
  });
});

test.each<[event: Message, tool: string]>([
  [{ kind: 'tool_call', name: 'dice', params: {} }, 'dice'],
  [{ kind: 'tool_call', detail: 'dice' }, 'dice'],
  [{ kind: 'tool_call', tool: null, name: 'dice', detail: 'rolls' }, 'dice'],
  [{ kind: 'tool_result', name: 'dice', ok: true }, 'dice'],
  [{ kind: 'tool_call', tool: 'cards', name: 'dice' }, 'cards'],
])(
  'agent.chat.event › when it names its tool as in %j › then the host reads `tool`, and the rest as it came',
  async (event, tool) => {
    const { host, agent, warned, turnId } = await stream();
    agent.emit('s', event);
    await settle();
    expect(host.events()).toEqual([{ ...event, tool, session_id: 's', agent_id: 'echo', turn_id: turnId, seq: 1 }]);
    expect(warned).toEqual([]);
  },
);

describe('a malformed event', () => {
  const bad = { kind: 'tool_result', tool: 't', ok: 'yes' };

  test('again and again › is said once a minute for each agent and kind, counted, and shown', async () => {
    const { linked, agent, warned } = await stream();
    for (let n = 0; n < 10; n += 1) agent.emit('s', bad);
    for (let n = 0; n < 10; n += 1) agent.emit(`s-${n}`, { kind: `made-up-${n}`, session_id: 7 });
    await settle();
    expect(warned.map(({ kind, field }) => [kind, field])).toEqual([
      ['tool_result', 'ok'],
      ['made-up-0', 'session_id'],
    ]);
    await linked.advance(59_000);
    agent.emit('s', bad);
    await settle();
    expect(warned).toHaveLength(2);
    await linked.advance(1_001);
    agent.emit('s', bad);
    await settle();
    expect(warned.at(-1)).toMatchObject({ session: 's', agent: 'echo', kind: 'tool_result', field: 'ok', dropped: 12 });
    const { event_faults } = await (await linked.manager()).ok('broker.status');
    expect(event_faults).toMatchObject([
      { agent_id: 'echo', kind: 'tool_result', field: 'ok', dropped: 12, mended: 0, session_id: 's' },
      { agent_id: 'echo', kind: 'other', field: 'session_id', dropped: 10, mended: 0, session_id: null },
    ]);
  });

  test('of who is no agent › is counted, and not said', async () => {
    const { linked, host, warned } = await stream();
    host.emit('s', bad);
    await settle();
    expect(warned).toEqual([]);
    expect(await readDrops(linked.broker)).toEqual({ malformed_event: 1 });
  });

  test('of more agents than are told apart › is counted, and the log stays short', async () => {
    const { linked, warned } = await stream();
    for (let n = 0; n < 300; n += 1) {
      const one = await linked.agent(`agent-${n}`);
      one.emit('s', bad);
      await settle();
      one.close();
    }
    expect(warned).toHaveLength(256);
    expect(await readDrops(linked.broker)).toEqual({ malformed_event: 300 });
  });
});

describe('an event without a turn’s id › when its session had a turn of the same agent before', () => {
  /** A turn that was cancelled, and the next one of its session, which its agent has not accepted yet. */
  async function next() {
    const scene = await stream();
    const { host, agent } = scene;
    await host.ok('agents.chat.cancel', { session_id: 's' });
    const id = host.post('agents.chat', { agent_id: 'echo', session_id: 's', prompt: 'again' });
    await settle();
    host.frames.length = 0;
    return { ...scene, id, accept: () => agent.answer(agent.lastChat(), { accepted: true }) };
  }

  test('and the new one’s ack has not come › then it is the old one’s, and is dropped', async () => {
    const { linked, host, agent, id, accept } = await next();
    agent.emit('s', { kind: 'token', delta: 'late' });
    agent.emit('s', { kind: 'done', finish_reason: 'cancelled', turn_id: null });
    accept();
    agent.emit('s', { kind: 'token', delta: 'new' });
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await settle();
    expect(host.replyTo(id).result).toMatchObject({ accepted: true });
    expect(host.events()).toMatchObject([
      { delta: 'new', seq: 1 },
      { finish_reason: 'stop', seq: 2 },
    ]);
    expect(await readDrops(linked.broker)).toEqual({ wrong_turn: 2 });
  });

  test('and it has the new turn’s id › then it is that one’s, and waits for the ack', async () => {
    const { host, agent, accept } = await next();
    const { turn_id } = agent.lastChat().params;
    agent.emit('s', { kind: 'token', delta: 'new', turn_id });
    accept();
    await settle();
    expect(host.events()).toMatchObject([{ delta: 'new', seq: 1, turn_id }]);
  });

  test('but of another agent, or of none › then it may overtake the ack as ever', async () => {
    const { linked, host } = await stream();
    const other = await linked.agent('other');
    await host.ok('agents.chat.cancel', { session_id: 's' });
    host.frames.length = 0;
    host.post('agents.chat', { agent_id: 'other', session_id: 's', prompt: 'again' });
    await settle();
    other.emit('s', { kind: 'done', finish_reason: 'stop' });
    other.answer(other.lastChat(), { accepted: true });
    await settle();
    expect(host.events()).toMatchObject([{ kind: 'done', seq: 1 }]);
  });
});

describe('agent.chat, agent.chat.approve › when the agent’s answer is malformed', () => {
  const peerError = (peer_error: unknown) => ({
    code: -32603,
    message: 'the peer answered with a malformed error',
    data: { peer_error },
  });

  test.each<[answer: object, said: unknown]>([
    [{}, null],
    [{ error: null }, null],
    [{ error: 'busy' }, peerError('busy')],
    [{ error: { message: 'busy' } }, peerError({ message: 'busy' })],
    [
      { result: { accepted: true }, error: { code: 7, message: 'busy' } },
      { code: 7, message: 'busy' },
    ],
    [{ result: { accepted: null } }, { accepted: null }],
  ])('agent.chat is answered with %j › then the host is told at once, and nothing is left', async (answer, said) => {
    const { linked, host, agent, warned } = await stream();
    const id = host.post('agents.chat', { agent_id: 'echo', session_id: 't', prompt: 'hi' });
    await settle();
    agent.send({ jsonrpc: '2.0', id: agent.lastChat().id, ...answer });
    await settle();
    expect(host.replyTo(id).error).toMatchObject({ code: -32012, data: { agent_error: said } });
    expect((await host.ok('agents.chat.sessions')).sessions).toHaveLength(1);
    expect(warned.length).toBe('result' in answer && !('error' in answer) ? 0 : 1);
    expect(await readDrops(linked.broker)).toEqual({});
  });

  test('an ack without jsonrpc › then it is one', async () => {
    const { host, agent } = await stream();
    const id = host.post('agents.chat', { agent_id: 'echo', session_id: 't', prompt: 'hi' });
    await settle();
    agent.send({ id: agent.lastChat().id, method: null, params: null, result: { accepted: true }, error: null });
    await settle();
    expect(host.replyTo(id).result).toMatchObject({ accepted: true });
  });

  test.each<[answer: object, reads: object]>([
    [{}, { result: { resolved: false } }],
    [{ error: 'no' }, { error: { code: -32012, data: { agent_error: peerError('no') } } }],
  ])('agent.chat.approve is answered with %j › then it is put back at once', async (answer, reads) => {
    const { host, agent } = await stream();
    agent.emit('s', { kind: 'approval_pending', approval_id: 'a', action: 'x' });
    const id = host.post('agents.chat.approve', { session_id: 's', approval_id: 'a', decision: 'yes', answer: null });
    await settle();
    const [asked] = agent.received('agent.chat.approve');
    agent.send({ jsonrpc: '2.0', id: asked.id, ...answer });
    await settle();
    expect(host.replyTo(id)).toMatchObject(reads);
    expect(await approvalsOf(host)).toMatchObject([{ status: 'pending' }]);
  });

  test('and nobody waits under its id › then it is no answer, and gets -32600', async () => {
    const { agent } = await stream();
    agent.send({ jsonrpc: '2.0', id: 'sb-99', error: 'no' });
    await settle();
    expect(agent.frames.at(-1)).toMatchObject({ id: null, error: { code: -32600 } });
  });
});
