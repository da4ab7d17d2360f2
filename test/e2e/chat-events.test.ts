import { beforeAll, describe, expect, it } from 'vitest';
import { askChat, openChat, settle } from './support/chat.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import type { WireClient } from './support/wire-client.ts';

let daemon: Daemon;
let host: WireClient;
let stranger: WireClient;
let agent: WireClient;
let rival: WireClient;
beforeAll(async () => {
  daemon = await startDaemon();
  [host, stranger] = [await daemon.host(), await daemon.host()];
  [agent, rival] = [await daemon.agent('a'), await daemon.agent('rival')];
});

const open = (params: object = {}) => openChat(host, agent, { agent_id: 'a', ...params });
const DONE = { kind: 'done', finish_reason: 'stop' };

/** What the host hears of these events, from a turn that ends after them. */
async function relayed(...events: object[]): Promise<object[]> {
  const chat = await open();
  for (const event of events) chat.emit(event);
  chat.emit(DONE);
  await host.terminal(chat.turnId);
  await settle(agent, host);
  return host.events(chat.turnId);
}

const passing: [what: string, event: object][] = [
  ['token', { kind: 'token', delta: 'Zoë 👋 \u0000' }],
  ['an empty token', { kind: 'token', delta: '' }],
  ['tool_call', { kind: 'tool_call', tool: 'search' }],
  ['a full tool_call', { kind: 'tool_call', tool: 't', call_id: 'c', sequence: 1, params: { q: [1, null] } }],
  ['tool_result', { kind: 'tool_result', tool: 'search', ok: false }],
  ['a full tool_result', { kind: 'tool_result', tool: 't', ok: true, excerpt: 'e', evidence: [{}], sequence: 2 }],
  ['approval_pending for a tool', { kind: 'approval_pending', approval_id: 'p', tool: 't', params: {} }],
  ['approval_pending for an action', { kind: 'approval_pending', approval_id: 'p', action: 'a', deadline: 1 }],
  ['approval_resolved', { kind: 'approval_resolved', approval_id: 'p', resolution: 'timeout' }],
  ['goal_evaluated', { kind: 'goal_evaluated', iteration: 1, met: false, grounded: true, reason: 'r' }],
  ['todos', { kind: 'todos', items: [{ text: 'x', done: false }] }],
  ['inference_started', { kind: 'inference_started' }],
  ['inference_retry', { kind: 'inference_retry', attempt: 2 }],
  ['model_served', { kind: 'model_served', model: 'm' }],
  ['receipt_report', { kind: 'receipt_report', receipts: [] }],
  ['a kind of the agent’s own', { kind: 'my.kind', anything: { at: ['all'] } }],
  ['a kind called __proto__', { kind: '__proto__' }],
  ['a kind called Done', { kind: 'Done' }],
  ['an unknown field of a known kind', { kind: 'token', delta: 'x', logprobs: [-0.1], nested: { a: null } }],
];

const dropped: [what: string, event: object][] = [
  ['token without delta', { kind: 'token' }],
  ['token with a number', { kind: 'token', delta: 1 }],
  ['tool_call without tool', { kind: 'tool_call', call_id: 'c' }],
  ['tool_result without ok', { kind: 'tool_result', tool: 't' }],
  ['approval_pending without an id', { kind: 'approval_pending', tool: 't' }],
  ['approval_pending for nothing', { kind: 'approval_pending', approval_id: 'p' }],
  ['approval_resolved otherwise', { kind: 'approval_resolved', approval_id: 'p', resolution: 'maybe' }],
  ['goal_evaluated in part', { kind: 'goal_evaluated', iteration: 1, met: false }],
  ['no kind', { delta: 'x' }],
  ['a kind that is no string', { kind: 7 }],
  ['another turn’s id', { kind: 'token', delta: 'x', turn_id: 'another' }],
];

describe('an event of section 6', () => {
  it.each(passing)('%s › goes through as it came, stamped', async (_, event) => {
    const [first, last, ...more] = await relayed(event);
    const stamps = { agent_id: 'a', turn_id: expect.any(String), session_id: expect.any(String) };
    expect(first).toEqual({ ...event, ...stamps, seq: 1 });
    expect(last).toEqual({ ...DONE, ...stamps, seq: 2 });
    expect(more).toEqual([]);
  });

  it.each(dropped)('%s › is dropped, and ends nothing', async (_, event) => {
    expect(await relayed(event)).toMatchObject([{ ...DONE, seq: 1 }]);
  });

  it.each<[string, object, object]>([
    ['done without a reason', { kind: 'done' }, { kind: 'done', finish_reason: 'stop' }],
    ['done with a text that is none', { ...DONE, text: 7 }, DONE],
    ['error without words', { kind: 'error' }, { kind: 'error', error: 'the agent gave no reason' }],
    ['auth_required without a reason', { kind: 'auth_required', message: 'm' }, { reason: 'unknown', message: 'm' }],
  ])('%s › ends the turn all the same, repaired', async (_, sent, heard) => {
    const chat = await open();
    chat.emit(sent);
    expect(await host.terminal(chat.turnId)).toMatchObject({ ...heard, seq: 1 });
    expect(host.events(chat.turnId)[0]).not.toHaveProperty('text');
  });

  it.each<object>([
    DONE,
    { kind: 'done', finish_reason: 'length', text: 'all of it', usage: { tokens: 3 } },
    { kind: 'error', error: 'it broke', code: 'mine', retryable: true },
    { kind: 'error', error: 'it broke', code: 42 },
    { kind: 'auth_required', reason: 'expired', message: 'log in again' },
  ])('%j › ends the turn, and nothing follows it', async (terminal) => {
    const chat = await open();
    chat.emit({ kind: 'token', delta: 'x' });
    for (const event of [terminal, { kind: 'token', delta: 'late' }, DONE]) chat.emit(event);
    await host.terminal(chat.turnId);
    await settle(agent, host);
    const events = host.events(chat.turnId);
    expect(events).toHaveLength(2);
    expect(events[1]).toEqual({
      ...terminal,
      session_id: chat.sessionId,
      turn_id: chat.turnId,
      agent_id: 'a',
      seq: 2,
    });
    expect((await host.ok('agents.chat.sessions')).sessions).toEqual([]);
  });

  it('loses what only the broker may say', async () => {
    const lies = { agent_id: 'rival', seq: 99, seq_from: 98, synthesized: true };
    const [first] = await relayed({ kind: 'token', delta: 'x', ...lies });
    expect(first).toMatchObject({ delta: 'x', agent_id: 'a', seq: 1 });
    expect(first).not.toHaveProperty('seq_from');
    expect(first).not.toHaveProperty('synthesized');
  });

  it('is numbered 1, 2, 3 … without a gap, in the order in which it was sent', async () => {
    const tokens = Array.from({ length: 2_000 }, (_, i) => ({ kind: 'token', delta: `${i} ` }));
    const events = await relayed(...tokens);
    expect(events.slice(0, -1)).toMatchObject(tokens.map((token, i) => ({ ...token, seq: i + 1 })));
    expect(events).toHaveLength(2_001);
  });

  it('needs no turn id: the session’s live turn is meant', async () => {
    const chat = await open();
    agent.emit(chat.sessionId, { kind: 'token', delta: 'x' });
    agent.emit(chat.sessionId, DONE);
    await host.terminal(chat.turnId);
    expect(host.events(chat.turnId).map(({ turn_id }) => turn_id)).toEqual([chat.turnId, chat.turnId]);
  });

  it('of a connection that does not own the turn, or of no turn at all, reaches nobody', async () => {
    const chat = await open();
    const before = stranger.frames.length;
    for (const other of [rival, stranger, host]) {
      other.emit(chat.sessionId, { kind: 'token', delta: 'forged', turn_id: chat.turnId });
      other.emit(chat.sessionId, { ...DONE, turn_id: chat.turnId });
    }
    agent.emit('no-such-session', { kind: 'token', delta: 'x' });
    await settle(rival, stranger, agent);
    chat.emit(DONE);
    await host.terminal(chat.turnId);
    await settle(stranger, host);
    expect(host.events(chat.turnId)).toMatchObject([DONE]);
    expect(stranger.frames.slice(before).filter(({ method }) => method)).toEqual([]);
  });

  it('is counted, and what was dropped by its reason', async () => {
    const { body } = await daemon.get('/metrics');
    for (const reason of ['malformed_event', 'wrong_turn', 'not_owner', 'unknown_session']) {
      expect(body).toMatch(new RegExp(`^switchboard_drops_total\\{reason="${reason}"\\} [1-9]`, 'm'));
    }
    expect(body).toMatch(/^switchboard_events_total\{kind="token"\} [1-9]/m);
    // With what its author needs to find it.
    await expect
      .poll(() => daemon.program.out)
      .toMatch(/"reason":"not_owner","session":"[^"]+","kind":"[^"]+","msg":"dropped an event"/);
  });
});

describe('what overtakes the ack', () => {
  it('waits: the host reads its result first, then the events in order', async () => {
    const { id, sessionId, turnId, request } = await askChat(host, agent, { agent_id: 'a' });
    const from = host.frames.length;
    agent.emit(sessionId, { kind: 'token', delta: 'early' });
    agent.emit(sessionId, DONE);
    agent.emit(sessionId, { kind: 'token', delta: 'after the end' });
    await settle(agent, host);
    expect(host.events(turnId)).toEqual([]);
    agent.answer(request, { accepted: true });
    await host.terminal(turnId);
    await settle(agent, host);
    const frames = host.frames.slice(from).filter((frame) => frame.id === id || frame.params?.turn_id === turnId);
    expect(frames).toMatchObject([
      { id, result: { accepted: true, session_id: sessionId, turn_id: turnId } },
      { params: { kind: 'token', delta: 'early', seq: 1 } },
      { params: { ...DONE, seq: 2 } },
    ]);
  });
});
