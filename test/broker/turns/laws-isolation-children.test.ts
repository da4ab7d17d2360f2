import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Approval } from '../../../actors/approvals/approval-record.ts';
import { APPROVALS, approvalsOf } from '../../../actors/approvals/approvals.ts';
import { DISPATCHER } from '../../../actors/requests/dispatcher.ts';
import type { Callback } from '../../../actors/tools/callback-record.ts';
import { toolsOf } from '../../../actors/tools/client-tools.ts';
import { executeTool } from '../../../actors/tools/execute-tool.ts';
import { TOOLS } from '../../../actors/tools/tools.ts';
import { TURNS } from '../../../actors/turns/turns.ts';
import { poison, startInternals } from '../../support/internals.ts';
import { type LinkedClient, type Message, openChat, settle } from '../../support/linked.ts';

/* Law 10 of the design, for what hangs on a turn or a request: a broken tool call or approval ends alone, and whoever
   waits for it is answered. */

const HOUR = 60 * 60_000;

/** A turn in session `s`, whose host has a tool of each kind, and a gate before one of them and one method. */
async function scene() {
  const internals = startInternals({ approvals: { methods: ['tools.execute:gated', 'lamp.switch'] } });
  const ran: unknown[] = [];
  internals.state.get(DISPATCHER).add('lamp.switch', {
    role: 'any',
    schema: z.object({}),
    timeoutMs: 1_000,
    handle: () => ran.push('lamp'),
  });
  const [host, manager, agent] = [await internals.host(), await internals.manager(), await internals.agent('echo')];
  await host.ok('tools.register', [{ name: 'open' }, { name: 'gated' }]);
  await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  const use = async (tool: string): Promise<{ id: number; callback: Callback }> => {
    const id = agent.post('tools.execute', { session_id: 's', tool, parameters: {}, timeout_ms: 1_000 });
    await settle();
    return { id, callback: toolsOf(internals.attached('echo')).requested.get(id) as Callback };
  };
  /** The one approval that is pending. */
  const pending = async (): Promise<Approval> => {
    const { approvals } = await manager.ok('host.approvals');
    const [row] = approvals.filter(({ status }: Message) => status === 'pending');
    return internals.state.get(APPROVALS).pending(row.id) as Approval;
  };
  return { internals, host, manager, agent, ran, use, pending };
}
type Scene = Awaited<ReturnType<typeof scene>>;

/** The turn goes on, another tool can be used, and nothing but the turn is left. */
async function expectAlive({ internals, host, agent, use }: Scene) {
  agent.emit('s', { kind: 'token', delta: 'still here' });
  await settle();
  expect(host.events('s').at(-1)).toMatchObject({ delta: 'still here' });
  const { id } = await use('open');
  host.answer(host.received('tools.execute').at(-1), 'fine');
  await settle();
  expect(agent.replyTo(id)).toMatchObject({ result: 'fine' });
  const { state } = internals;
  expect(internals.root.getSnapshot()).toMatchObject({ status: 'active', value: 'accepting' });
  expect([internals.turn('s').callbacks.size, internals.turn('s').pendingApprovals.size]).toEqual([0, 0]);
  expect([state.get(APPROVALS).pendingCount, state.deadlines.size, state.get(TOOLS).direct.size]).toEqual([0, 1, 0]);
  for (const client of state.clients.values()) {
    expect([client.calls.size, toolsOf(client).requested.size, approvalsOf(client).size]).toEqual([0, 0, 0]);
  }
}
const answersTo = (client: LinkedClient, id: number) =>
  client.frames.filter((frame) => frame.id === id && !frame.method);
const INTERNAL = { error: { code: -32603, message: 'internal error' } };

const breakings: [when: string, how: (at: Scene, callback: Callback) => Promise<unknown> | unknown][] = [
  ['its host answers', ({ host }) => host.answer(host.received('tools.execute').at(-1), 'late')],
  ['its time is over', ({ internals }) => internals.advance(1_020)],
  ['its agent withdraws it', ({ agent }, { spec }) => agent.notify('tools.cancel', { id: spec.caller?.id })],
  ['its host reports progress', ({ host }, { id }) => host.notify('tools.progress', { request_id: id, progress: 1 })],
];
for (const [when, how] of breakings) {
  test(`law 10 › when a tool call breaks as ${when} › then its agent gets -32603, once, and its turn goes on`, async () => {
    const at = await scene();
    const { id, callback } = await at.use('open');
    poison(callback, 'nextTimeout');
    poison(at.internals.state.counters, 'callback');
    await how(at, callback);
    await settle();
    Reflect.deleteProperty(at.internals.state.counters, 'callback');
    expect(answersTo(at.agent, id)).toMatchObject([INTERNAL]);
    await expectAlive(at);
    expect(answersTo(at.agent, id)).toHaveLength(1);
  });
}

test('law 10 › when a tool call breaks after hours › then the fifteen minutes of its agent begin only then', async () => {
  const at = await scene();
  const params = { session_id: 's', tool: 'open', parameters: {}, timeout_ms: 24 * HOUR };
  const id = at.agent.post('tools.execute', params);
  await settle();
  await at.internals.advance(3 * HOUR);
  poison(at.internals.state.counters, 'callback');
  at.host.answer(at.host.received('tools.execute').at(-1), 'late');
  await settle();
  Reflect.deleteProperty(at.internals.state.counters, 'callback');
  expect(answersTo(at.agent, id)).toMatchObject([INTERNAL]);
  await at.internals.advance(HOUR / 4 - 1);
  expect(at.host.events('s')).toEqual([]);
  await at.internals.advance(5_001);
  expect(at.host.events('s')).toMatchObject([{ kind: 'error', code: 'stale' }]);
});

test('law 10 › when a tool call cannot even start › then its agent gets -32603, and the next one can', async () => {
  const at = await scene();
  const { calls } = at.internals.hostOf('s');
  poison(calls, 'set');
  const { id } = await at.use('open');
  Reflect.deleteProperty(calls, 'set');
  expect(answersTo(at.agent, id)).toMatchObject([INTERNAL]);
  await expectAlive(at);
});

for (const [ending, end] of [
  ['done', ({ agent }: Scene) => agent.emit('s', { kind: 'done', finish_reason: 'stop' })],
  ['cancelling', ({ host }: Scene) => host.post('agents.chat.cancel', { session_id: 's', grace_ms: 1_000 })],
  ['abandoned', ({ host }: Scene) => host.close()],
] as const) {
  test(`law 10 › when a tool call breaks as its turn is ${ending} › then its agent gets -32603 all the same, and so do the others theirs`, async () => {
    const at = await scene();
    const [bad, good] = [await at.use('open'), await at.use('open')];
    poison(bad.callback.spec, 'actionId');
    end(at);
    await settle();
    expect(answersTo(at.agent, bad.id)).toMatchObject([INTERNAL]);
    expect(answersTo(at.agent, good.id)).toMatchObject([{ error: { code: -32018 } }]);
    await at.internals.advance(1_020);
    expect(at.internals.state.get(TURNS).byId.size).toBe(0);
    expect(toolsOf(at.internals.attached('echo')).requested.size).toBe(0);
  });
}

test('law 10 › when a tool call at the gate breaks › then its agent gets -32603, and nobody is asked any more', async () => {
  const at = await scene();
  const { id, callback } = await at.use('gated');
  expect(at.internals.state.get(APPROVALS).pendingCount).toBe(1);
  poison(at.internals.state.counters, 'callback');
  callback.ref?.send({ type: 'gate.closed', reason: 'denied', approvalId: 'another' });
  Reflect.deleteProperty(at.internals.state.counters, 'callback');
  await settle();
  expect(answersTo(at.agent, id)).toMatchObject([INTERNAL]);
  await expectAlive(at);
});

const answers: [name: string, resolution: string][] = [
  ['approved', 'approve'],
  ['denied', 'deny'],
];
for (const [name, resolution] of answers) {
  test(`law 10 › when a gate’s approval breaks as it is ${name} › then the parked caller gets an answer, nothing has run, and whoever answered is told`, async () => {
    const at = await scene();
    const id = at.host.post('lamp.switch', {});
    await settle();
    const approval = await at.pending();
    poison(approval, 'resolution');
    const answer = await at.manager.call('host.resolve_approval', { approval_id: approval.id, resolution });
    expect(answer).toMatchObject(INTERNAL);
    expect(answersTo(at.host, id)).toMatchObject([{ error: { code: -32003, data: { approval_id: approval.id } } }]);
    expect(at.ran).toEqual([]);
    await expectAlive(at);
  });
}

test('law 10 › when a gate’s approval breaks as its end is told › then the parked caller gets one answer all the same', async () => {
  const at = await scene();
  const id = at.host.post('lamp.switch', {});
  await settle();
  const approval = await at.pending();
  poison(at.internals.state.counters, 'approval');
  const { result } = await at.manager.call('host.resolve_approval', {
    approval_id: approval.id,
    resolution: 'approve',
  });
  Reflect.deleteProperty(at.internals.state.counters, 'approval');
  expect(result).toMatchObject({ status: 'approved' });
  expect(answersTo(at.host, id)).toMatchObject([{ error: { code: -32003 } }]);
  await expectAlive(at);
});

test('law 10 › when a gate’s approval cannot even start › then the parked caller gets an answer', async () => {
  const at = await scene();
  poison(at.internals.state.deadlines, 'arm');
  const [id, tool] = [at.host.post('lamp.switch', {}), await at.use('gated')];
  Reflect.deleteProperty(at.internals.state.deadlines, 'arm');
  expect(answersTo(at.host, id)).toMatchObject([{ error: { code: -32003 } }]);
  expect(answersTo(at.agent, tool.id)).toMatchObject([{ error: { code: -32003 } }]);
  await expectAlive(at);
});

test('law 10 › when a chat turn’s approval breaks while the agent is asked › then whoever answered gets -32603, and the turn goes on', async () => {
  const at = await scene();
  at.agent.emit('s', { kind: 'approval_pending', approval_id: 'a', tool: 'rm' });
  await settle();
  const approval = await at.pending();
  const id = at.host.post('agents.chat.approve', { session_id: 's', approval_id: 'a', decision: true });
  await settle();
  poison(approval, 'resolution');
  at.agent.answer(at.agent.received('agent.chat.approve')[0], { resolved: true });
  await settle();
  expect(answersTo(at.host, id)).toMatchObject([INTERNAL]);
  const { sessions } = await at.host.ok('agents.chat.sessions');
  expect(sessions).toMatchObject([{ session_id: 's', status: 'streaming' }]);
  await expectAlive(at);
});

test('law 10 › when a chat turn’s approval cannot even start › then the turn is not parked on it', async () => {
  const at = await scene();
  poison(at.internals.state.events, 'emit');
  at.agent.emit('s', { kind: 'approval_pending', approval_id: 'a', tool: 'rm' });
  await settle();
  Reflect.deleteProperty(at.internals.state.events, 'emit');
  expect((await at.host.ok('agents.chat.sessions')).sessions).toMatchObject([{ status: 'streaming' }]);
  await expectAlive(at);
});

test('law 10 › when an approval that somebody asked for breaks › then subscribers hear that it is over, and it is', async () => {
  const at = await scene();
  await at.manager.ok('server.handshake', { protocol_version: 3 });
  await at.manager.ok('host.subscribe');
  const { id } = await at.agent.ok('host.request_approval', { action: 'deploy' });
  const answer = () => at.manager.call('host.resolve_approval', { approval_id: id, resolution: 'approve' });
  poison(at.internals.state.counters, 'approval');
  await answer();
  Reflect.deleteProperty(at.internals.state.counters, 'approval');
  const events = at.manager.received('host.event').map(({ params }) => params);
  expect(events.filter(({ kind }) => kind === 'approval.resolved')).toMatchObject([{ payload: { id } }]);
  expect((await answer()).error.code).toBe(-32016);
  await expectAlive(at);
});

test('law 11 › when an approval is so broken that it cannot even be listed › then it is buried, and the root lives', async () => {
  const at = await scene();
  const { id } = await at.agent.ok('host.request_approval', { action: 'deploy' });
  poison(at.internals.state.get(APPROVALS).pending(id) as Approval, 'resolution');
  const answer = await at.manager.call('host.resolve_approval', { approval_id: id, resolution: 'approve' });
  expect(answer).toMatchObject(INTERNAL);
  await expectAlive(at);
});

test('law 11 › when an embedder’s signal throws › then its call settles as it would have, and the root lives', async () => {
  const at = await scene();
  const { state } = at.internals;
  const shout = () => {
    throw new Error('not today');
  };
  const host = at.internals.hostOf('s').id;
  const run = (signal: object) => executeTool(state, host, 'open', {}, { signal: signal as AbortSignal });
  const quiet = { aborted: false, addEventListener: () => {} };
  const settled = run({ ...quiet, removeEventListener: shout });
  await settle();
  at.host.answer(at.host.received('tools.execute').at(-1), 'noon');
  await expect(settled).resolves.toBe('noon');
  const over = expect(run({ ...quiet, removeEventListener: shout })).rejects.toMatchObject({ code: -32017 });
  await at.internals.advance(300_020);
  await over;
  await expect(run({ aborted: false, addEventListener: shout })).rejects.toThrow('not today');
  await expect(
    run({
      get aborted() {
        return shout();
      },
    }),
  ).rejects.toThrow('not today');
  const eager = {
    aborted: false,
    addEventListener: (_: string, abort: () => void) => abort(),
    removeEventListener() {},
  };
  await expect(run(eager)).rejects.toMatchObject({ code: -32018 });
  expect(toolsOf(at.internals.hostOf('s')).direct.size).toBe(0);
  await expectAlive(at);
});

test('law 10 › when an embedder’s tool call breaks › then it is rejected with -32603, and the root lives', async () => {
  const at = await scene();
  const host = at.internals.hostOf('s');
  const call = executeTool(at.internals.state, host.id, 'open', {}, {});
  const [callback] = toolsOf(host).direct;
  poison(at.internals.state.counters, 'callback');
  callback?.ref?.send({ type: 'callback.expired' });
  Reflect.deleteProperty(at.internals.state.counters, 'callback');
  await expect(call).rejects.toMatchObject({ code: -32603 });
  expect(toolsOf(host).direct.size).toBe(0);
  await expectAlive(at);
});
