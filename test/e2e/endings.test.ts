import { beforeAll, describe, expect, it } from 'vitest';
import { askChat, openChat, settle } from './support/chat.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import type { Message, WireClient } from './support/wire-client.ts';

/** Every way an accepted turn, and one that never was, can end; both sides of each (`wire.md` section 6). */
let daemon: Daemon;
let manager: WireClient;
beforeAll(async () => {
  daemon = await startDaemon();
  manager = await daemon.manager();
});

interface Scene {
  host: WireClient;
  agent: WireClient;
  sessionId: string;
  turnId: string;
  emit(event: object): void;
}

const token = (delta: string) => ({ kind: 'token', delta });
const DONE = { kind: 'done', finish_reason: 'stop' };
const synthesized = (code: string) => ({ kind: 'error', error: expect.any(String), code, synthesized: true });
const CANCELLED = { kind: 'done', finish_reason: 'cancelled', synthesized: true };
const cancel = ({ sessionId }: Scene, grace_ms = 0) => ({ session_id: sessionId, grace_ms });

const ends: {
  when: string;
  act(scene: Scene): unknown;
  /** What the host is told last; none: it is gone. */
  terminal?: object;
  /** The reasons of the cancels that the agent is sent. */
  cancels?: string[];
  /** The agent is gone afterwards. */
  agentGone?: number;
}[] = [
  { when: 'the agent is done', act: ({ emit }) => emit(DONE), terminal: DONE },
  { when: 'the agent fails', act: ({ emit }) => emit({ kind: 'error', error: 'x' }), terminal: { error: 'x' } },
  {
    when: 'the agent has no login',
    act: ({ emit }) => emit({ kind: 'auth_required', reason: 'r', message: 'm' }),
    terminal: { kind: 'auth_required', reason: 'r', message: 'm' },
  },
  {
    when: 'the agent ends while it waits for an approval',
    act: ({ emit }) => {
      emit({ kind: 'approval_pending', approval_id: 'p', tool: 't' });
      emit(DONE);
    },
    terminal: DONE,
  },
  {
    when: 'the agent closes',
    act: ({ agent }) => agent.close(),
    terminal: synthesized('agent_disconnected'),
    agentGone: 1000,
  },
  {
    when: 'the agent’s socket is cut',
    act: ({ agent }) => agent.socket.terminate(),
    terminal: synthesized('agent_disconnected'),
    agentGone: 1006,
  },
  {
    when: 'the agent breaks the protocol of the socket',
    act: ({ agent }) => agent.socket.send(Buffer.of(1)),
    terminal: synthesized('agent_disconnected'),
    agentGone: 1003,
  },
  {
    when: 'the agent is removed',
    act: async ({ agent }) => {
      const id = agent.received('agent.chat')[0].params.context.id;
      expect(await manager.ok('agents.remove', { id })).toEqual({ removed: true });
    },
    terminal: synthesized('agent_disconnected'),
    agentGone: 4403,
  },
  {
    when: 'the host cancels',
    act: async (scene) =>
      expect(await scene.host.ok('agents.chat.cancel', cancel(scene))).toMatchObject({ cancelled: true }),
    terminal: CANCELLED,
    cancels: ['host_cancelled'],
  },
  {
    when: 'the host cancels while the agent waits for an approval',
    act: async (scene) => {
      scene.emit({ kind: 'approval_pending', approval_id: 'p', tool: 't' });
      await scene.host.event(scene.turnId, ({ kind }) => kind === 'approval_pending');
      await scene.host.ok('agents.chat.cancel', cancel(scene));
    },
    terminal: CANCELLED,
    cancels: ['host_cancelled'],
  },
  {
    when: 'the host role cancels',
    act: (scene) => manager.ok('agents.chat.cancel', cancel(scene)),
    terminal: CANCELLED,
    cancels: ['host_cancelled'],
  },
  {
    when: 'the host cancels with grace, and the agent uses it',
    act: async (scene) => {
      await scene.host.ok('agents.chat.cancel', cancel(scene, 30_000));
      await scene.agent.when(() => scene.agent.cancels(scene.turnId)[0]);
      scene.emit(token('last words'));
      scene.emit({ kind: 'done', finish_reason: 'cancelled', text: 'mine' });
    },
    terminal: { kind: 'done', finish_reason: 'cancelled', text: 'mine' },
    cancels: ['host_cancelled'],
  },
  {
    when: 'the host cancels with grace, and the agent lets it pass',
    act: (scene) => scene.host.ok('agents.chat.cancel', cancel(scene, 100)),
    terminal: CANCELLED,
    cancels: ['host_cancelled'],
  },
  {
    when: 'the host cancels with grace, and then without',
    act: async (scene) => {
      await scene.host.ok('agents.chat.cancel', cancel(scene, 30_000));
      await scene.host.ok('agents.chat.cancel', cancel(scene));
    },
    terminal: CANCELLED,
    cancels: ['host_cancelled'],
  },
  {
    when: 'the agent goes in its grace',
    act: async (scene) => {
      await scene.host.ok('agents.chat.cancel', cancel(scene, 30_000));
      scene.agent.close();
    },
    terminal: synthesized('agent_disconnected'),
    cancels: ['host_cancelled'],
    agentGone: 1000,
  },
  {
    when: 'the host closes',
    act: ({ host }) => host.close(),
    cancels: ['host_disconnected'],
  },
  {
    when: 'the host’s socket is cut',
    act: ({ host }) => host.socket.terminate(),
    cancels: ['host_disconnected'],
  },
  {
    when: 'the host cancels with grace, and goes',
    act: async (scene) => {
      await scene.host.ok('agents.chat.cancel', cancel(scene, 30_000));
      scene.host.close();
    },
    cancels: ['host_cancelled'],
  },
];

let count = 0;
/** A new host, a new agent, and what they are to talk about. */
async function cast() {
  const id = `agent-${++count}`;
  const [host, agent] = [await daemon.host(), await daemon.agent(id)];
  return { host, agent, params: { agent_id: id, context: { id } } };
}

/** Nothing is left of it: nobody lists it, and its session is free for anybody. */
async function expectGone(turnId: string): Promise<void> {
  const { sessions } = await manager.ok('agents.chat.sessions');
  expect(sessions.map((session: Message) => session.turn_id)).not.toContain(turnId);
}

describe('a turn ends', () => {
  it.each(ends.map((end) => [end.when, end] as const))(
    'when %s',
    async (_, { act, terminal, cancels = [], agentGone }) => {
      const { host, agent, params } = await cast();
      const chat = await openChat(host, agent, params);
      const { sessionId, turnId } = chat;
      chat.emit(token('so far'));
      await host.event(turnId, ({ kind }) => kind === 'token');
      await act({ host, agent, ...chat });

      if (terminal) {
        const end = await host.terminal(turnId);
        expect(end).toMatchObject({ ...terminal, session_id: sessionId });
        expect(end.synthesized).toBe('synthesized' in terminal ? true : undefined);
      }
      if (agentGone === undefined) {
        if (cancels.length > 0) await agent.when(() => agent.cancels(turnId)[0]);
        // The agent has not noticed, or does not care: it reaches nobody any more.
        chat.emit(token('late'));
        chat.emit(DONE);
        await settle(agent);
      } else expect((await agent.closed).code).toBe(agentGone);
      expect(agent.cancels(turnId)).toEqual(cancels);

      if (terminal) {
        await settle(host);
        const events = host.events(turnId);
        expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
        expect(events.filter(({ kind }) => ['done', 'error', 'auth_required'].includes(kind))).toHaveLength(1);
        expect(events.at(-1)).toMatchObject(terminal);
      } else await host.closed;
      await expectGone(turnId);
    },
  );

  it('when its agent connects anew', async () => {
    const { host, agent, params } = await cast();
    const chat = await openChat(host, agent, params);
    const fresh = await daemon.agent(params.agent_id);
    expect(await host.terminal(chat.turnId)).toMatchObject(synthesized('agent_replaced'));
    expect((await agent.closed).code).toBe(4409);
    expect(agent.cancels(chat.turnId)).toEqual(['agent_replaced']);
    await expectGone(chat.turnId);
    const next = await openChat(host, fresh, { ...params, session_id: chat.sessionId });
    next.emit(DONE);
    expect(await host.terminal(next.turnId)).toMatchObject(DONE);
    expect(fresh.cancels(chat.turnId)).toEqual([]);
  });

  it('when its agent is silent for too long, unless it waits for a person', async () => {
    const impatient = await startDaemon({ flags: ['--stale-after', '400'] });
    const [host, agent] = [await impatient.host(), await impatient.agent('a')];
    const parked = await openChat(host, agent, { agent_id: 'a' });
    parked.emit({ kind: 'approval_pending', approval_id: 'p', tool: 't' });
    const chat = await openChat(host, agent, { agent_id: 'a' });
    const since = performance.now();
    expect(await host.terminal(chat.turnId)).toMatchObject({ ...synthesized('stale'), seq: 1 });
    expect(performance.now() - since).toBeGreaterThan(300);
    await agent.when(() => agent.cancels(chat.turnId)[0]);
    expect(agent.cancels(chat.turnId)).toEqual(['stale']);
    // A person may take longer; once they have answered, the silence counts again.
    expect((await host.ok('agents.chat.sessions')).sessions).toMatchObject([{ turn_id: parked.turnId }]);
    parked.emit({ kind: 'approval_resolved', approval_id: 'p', resolution: 'approve' });
    expect(await host.terminal(parked.turnId)).toMatchObject(synthesized('stale'));
  });
});

/** How a chat is over before its agent has acknowledged it. */
const refusals: {
  when: string;
  act(scene: Scene & { request: Message }): unknown;
  code?: number;
  cancels?: string[];
}[] = [
  { when: 'the agent refuses', act: ({ agent, request }) => agent.answer(request, { accepted: false }), code: -32012 },
  {
    when: 'the agent answers with an error',
    act: ({ agent, request }) => agent.answer(request, undefined, { code: 1, message: 'no' }),
    code: -32012,
  },
  { when: 'the agent closes', act: ({ agent }) => agent.close(), code: -32011 },
  { when: 'the agent is cut', act: ({ agent }) => agent.socket.terminate(), code: -32011 },
  {
    when: 'too much overtakes the ack',
    act: ({ emit }) => {
      for (let i = 0; i < 5; i++) emit(token('x'.repeat(256 * 1024)));
    },
    code: -32020,
    cancels: ['ack_timeout'],
  },
  { when: 'the host goes', act: ({ host }) => host.close(), cancels: ['host_disconnected'] },
];

describe('a chat that no agent has accepted', () => {
  it.each(refusals.map((row) => [row.when, row] as const))(
    'is over when %s',
    async (_, { act, code, cancels = [] }) => {
      const { host, agent, params } = await cast();
      const asked = await askChat(host, agent, params);
      const { id, sessionId, turnId, request } = asked;
      await act({ host, agent, request, sessionId, turnId, emit: (event) => agent.emit(sessionId, event) });
      if (code !== undefined) expect((await host.replyTo(id)).error.code).toBe(code);
      if (cancels.length > 0) await agent.when(() => agent.cancels(turnId)[0]);
      expect(agent.cancels(turnId)).toEqual(cancels);
      await expectGone(turnId);
      expect(host.events(turnId)).toEqual([]);
    },
  );

  it('is over after five seconds of silence, and an ack that comes late is answered with a cancel', async () => {
    const { host, agent, params } = await cast();
    const { id, sessionId, turnId, request } = await askChat(host, agent, params);
    const since = performance.now();
    expect((await host.replyTo(id)).error.code).toBe(-32013);
    expect(performance.now() - since).toBeGreaterThan(4_500);
    agent.emit(sessionId, token('late'));
    agent.answer(request, { accepted: true });
    await agent.when(() => agent.cancels(turnId)[0]);
    expect(agent.cancels(turnId)).toEqual(['ack_timeout']);
    await settle(agent, host);
    expect(host.events(turnId)).toEqual([]);
    await expectGone(turnId);
  });

  it('may be cancelled: accepted, then the cancel, then the terminal', async () => {
    const { host, agent, params } = await cast();
    const { id, sessionId, turnId, request } = await askChat(host, agent, params);
    agent.emit(sessionId, token('overtook'));
    await settle(agent);
    const from = host.frames.length;
    const cancelId = host.post('agents.chat.cancel', { session_id: sessionId });
    await host.terminal(turnId);
    agent.answer(request, { accepted: true });
    await settle(agent, host);
    const frames = host.frames.slice(from).filter((frame) => !Array.isArray(frame.result));
    expect(frames).toMatchObject([
      { id, result: { accepted: true, turn_id: turnId } },
      { id: cancelId, result: { cancelled: true, session_id: sessionId } },
      { method: 'agents.chat.event', params: CANCELLED },
    ]);
    expect(frames).toHaveLength(3);
    expect(agent.cancels(turnId)).toEqual(['host_cancelled']);
  });
});
