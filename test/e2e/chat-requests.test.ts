import { beforeAll, describe, expect, it } from 'vitest';
import { askChat, openChat, settle } from './support/chat.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import type { Message, WireClient } from './support/wire-client.ts';

let daemon: Daemon;
let host: WireClient;
let other: WireClient;
let manager: WireClient;
let agent: WireClient;
beforeAll(async () => {
  daemon = await startDaemon();
  [host, other, manager] = [await daemon.host(), await daemon.host(), await daemon.manager()];
  agent = await daemon.agent('a');
});

const DONE = { kind: 'done', finish_reason: 'stop' };
const open = (params: object = {}) => openChat(host, agent, { agent_id: 'a', ...params });

/** What the agent is asked for these parameters. */
async function asked(params: Message): Promise<Message> {
  const { id, sessionId, turnId, request } = await askChat(host, agent, { agent_id: 'a', ...params });
  agent.answer(request, { accepted: true });
  agent.emit(sessionId, DONE);
  await host.replyTo(id);
  await host.terminal(turnId);
  return request.params;
}

describe('agents.chat', () => {
  it('asks the agent with the defaults filled in, and nothing that was not said', async () => {
    expect(await asked({ prompt: 'hello' })).toEqual({
      session_id: expect.any(String),
      turn_id: expect.any(String),
      prompt: 'hello',
      stream: true,
      context: {
        host_client_id: expect.any(String),
        voice_input: false,
        tools: [],
        principal: { sub: 'local', tenant: 'default' },
      },
    });
  });

  it('passes everything on, and lets the broker’s own keys of the context win', async () => {
    const said = {
      prompt: '',
      stream: false,
      model: 'm',
      conversation_id: 'c:1',
      attachments: [
        { type: 'image_base64', data: 'AAAA', media_type: 'image/png' },
        { type: 'image_url', url: 'https://example.org/a.png', detail: 'high' },
      ],
    };
    const ours = { host_client_id: 'me', voice_input: 'no', tools: 'all', principal: 'root' };
    const context = { city: 'Ghent', ...ours, constructor: [1] };
    const params = await asked({ ...said, goal: { check: 'tests pass' }, context, voice_input: true });
    expect(params).toMatchObject({ ...said, goal: { check: 'tests pass', max_iterations: 8 } });
    expect(params.context).toEqual({
      city: 'Ghent',
      constructor: [1],
      host_client_id: expect.not.stringMatching(/^me$/),
      voice_input: true,
      tools: [],
      principal: { sub: 'local', tenant: 'default' },
    });
  });

  it('makes a session id where none is given', async () => {
    const id = host.post('agents.chat', { agent_id: 'a', prompt: 'unnamed' });
    const request = await agent.when(() =>
      agent.received('agent.chat').find(({ params }) => params.prompt === 'unnamed'),
    );
    agent.answer(request, { accepted: true });
    const { result } = await host.replyTo(id);
    expect(result).toEqual({ accepted: true, session_id: request.params.session_id, turn_id: request.params.turn_id });
    expect(result.session_id).toMatch(/^chat-[0-9a-f-]{36}$/);
    agent.emit(result.session_id, DONE);
    await host.terminal(result.turn_id);
  });

  it.each<[string, object]>([
    ['attachments.0', { attachments: [{ type: 'file', path: '/etc/passwd' }] }],
    ['attachments.0.media_type', { attachments: [{ type: 'image_base64', data: 'AA', media_type: 'image/svg+xml' }] }],
    ['attachments.0.url', { attachments: [{ type: 'image_url', url: 'file:///etc/passwd' }] }],
    ['goal.max_iterations', { goal: { check: 'x', max_iterations: '8' } }],
    ['session_id', { session_id: 'a b' }],
    ['session_id', { session_id: 'x'.repeat(129) }],
    ['conversation_id', { conversation_id: '' }],
    ['context', { context: [] }],
    ['resume_window_ms', { resume_window_ms: -1 }],
  ])('names %s as what is wrong', async (path, params) => {
    const { error } = await host.call('agents.chat', { agent_id: 'a', prompt: 'x', ...params });
    expect(error.code).toBe(-32602);
    expect(error.data.issues.map((issue: Message) => issue.path).join()).toContain(path);
  });

  it('may be asked by an agent too, which is that turn’s host', async () => {
    const caller = await daemon.agent('caller');
    const chat = await openChat(caller, agent, { agent_id: 'a' });
    chat.emit(DONE);
    expect(await caller.terminal(chat.turnId)).toMatchObject(DONE);
  });
});

describe('a session that is busy', () => {
  it('rejects, and the live turn does not notice', async () => {
    const chat = await open();
    for (const params of [{}, { on_busy: 'reject' }]) {
      const reply = await host.call('agents.chat', {
        agent_id: 'a',
        prompt: 'x',
        session_id: chat.sessionId,
        ...params,
      });
      expect(reply.error.code).toBe(-32010);
    }
    chat.emit(DONE);
    expect(await host.terminal(chat.turnId)).toMatchObject({ ...DONE, seq: 1 });
    expect(agent.cancels(chat.turnId)).toEqual([]);
  });

  it('replaces: the old turn has its terminal before the new one has its ack', async () => {
    const old = await open();
    const fresh = await open({ session_id: old.sessionId, on_busy: 'replace', prompt: 'new' });
    expect(agent.cancels(old.turnId)).toEqual(['replaced']);
    expect(host.events(old.turnId)).toMatchObject([{ kind: 'done', finish_reason: 'cancelled', synthesized: true }]);
    // The old turn's events are nobody's now.
    old.emit({ kind: 'token', delta: 'late' });
    fresh.emit(DONE);
    await host.terminal(fresh.turnId);
    await settle(agent, host);
    expect(host.events(fresh.turnId)).toMatchObject([DONE]);
    expect(host.events(old.turnId)).toHaveLength(1);
  });

  it('queues, in order, and ahead of the queue goes who replaces', async () => {
    const first = await open();
    const wait = (prompt: string, on_busy: string) =>
      host.post('agents.chat', { agent_id: 'a', prompt, session_id: first.sessionId, on_busy });
    const ids = [wait('second', 'queue'), wait('third', 'queue')];
    await settle(host, agent);
    expect(agent.received('agent.chat').at(-1).params.turn_id).toBe(first.turnId);
    const replacing = wait('ahead', 'replace');
    const order: string[] = [];
    for (const id of [replacing, ...ids]) {
      const request = await agent.chatRequest(first.sessionId);
      order.push(request.params.prompt);
      agent.answer(request, { accepted: true });
      const { result } = await host.replyTo(id);
      agent.emit(first.sessionId, DONE);
      await host.terminal(result.turn_id);
    }
    expect(order).toEqual(['ahead', 'second', 'third']);
  });

  it('lets sixteen wait and no more; who leaves takes theirs along', async () => {
    const leaving = await daemon.host();
    const chat = await openChat(leaving, agent, { agent_id: 'a' });
    const params = { agent_id: 'a', prompt: 'waiting', session_id: chat.sessionId, on_busy: 'queue' };
    for (let i = 0; i < 16; i++) leaving.post('agents.chat', params);
    expect((await leaving.call('agents.chat', params)).error).toMatchObject({
      code: -32020,
      data: { limit: { value: 16 } },
    });
    leaving.close();
    await agent.when(() => agent.cancels(chat.turnId)[0]);
    await settle(agent);
    expect(agent.received('agent.chat').filter((request) => request.params.prompt === 'waiting')).toEqual([]);
    // The session is free again, for anybody.
    const next = await openChat(other, agent, { agent_id: 'a', session_id: chat.sessionId });
    next.emit(DONE);
    await other.terminal(next.turnId);
  });

  it('belongs to its host: for another, replace and queue are forbidden', async () => {
    const chat = await open();
    for (const on_busy of ['replace', 'queue']) {
      const params = { agent_id: 'a', prompt: 'x', session_id: chat.sessionId, on_busy };
      expect((await other.call('agents.chat', params)).error.code).toBe(-32015);
    }
    chat.emit(DONE);
    expect(await host.terminal(chat.turnId)).toMatchObject(DONE);
  });
});

describe('agents.chat.sessions', () => {
  it('lists one’s own, and all of them for the host role', async () => {
    const asking = await askChat(host, agent, { agent_id: 'a' });
    const streaming = await open();
    const parked = await open();
    const cancelling = await open();
    const foreign = await openChat(other, agent, { agent_id: 'a' });
    streaming.emit({ kind: 'token', delta: 'x' });
    parked.emit({ kind: 'approval_pending', approval_id: 'p', tool: 't' });
    await host.ok('agents.chat.cancel', { session_id: cancelling.sessionId, grace_ms: 30_000 });
    await settle(agent, host);
    const { sessions } = await host.ok('agents.chat.sessions');
    const row = (turnId: string, status: string, seq: number) =>
      expect.objectContaining({ turn_id: turnId, agent_id: 'a', status, seq });
    expect(sessions).toEqual([
      row(asking.turnId, 'dispatching', 0),
      row(streaming.turnId, 'streaming', 1),
      row(parked.turnId, 'parked', 1),
      row(cancelling.turnId, 'cancelling', 0),
    ]);
    expect(Math.abs(sessions[0].created_at - Date.now() / 1000)).toBeLessThan(10);
    const all = (await manager.ok('agents.chat.sessions')).sessions;
    expect(all).toHaveLength(5);
    expect(new Set(all.map((session: Message) => session.host_client_id)).size).toBe(2);
    expect((await other.ok('agents.chat.sessions')).sessions).toEqual([row(foreign.turnId, 'streaming', 0)]);
    expect(await host.ok('agents.list')).toContainEqual(
      expect.objectContaining({ spec: expect.objectContaining({ id: 'a' }), turns: 5 }),
    );
  });
});
