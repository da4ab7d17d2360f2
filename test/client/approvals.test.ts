import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  type ApprovalOutcome,
  type ApprovalRequest,
  type ChatEvent,
  connectAgent,
  TurnCancelled,
  TurnEnded,
} from '../../client/node.ts';
import { deferred, RealBroker, rejection } from './real-broker.ts';
import { ScriptedBroker } from './scripted-broker.ts';

/** A chat whose agent asks for an approval at once, up to that event. */
async function asked(request: ApprovalRequest = { approvalId: 'a1', tool: 'rm', params: { path: '/' } }) {
  const real = await RealBroker.start();
  const outcome = deferred<ApprovalOutcome>();
  const failure = deferred<unknown>();
  await real.agent(async (turn) => {
    await turn.requestApproval(request).then(outcome.resolve, (error) => {
      failure.resolve(error);
      throw error;
    });
  });
  const host = await real.host();
  const chat = host.chat('echo', 'go');
  const events = chat[Symbol.asyncIterator]();
  const { value: pending } = await events.next();
  return { real, host, chat, events, pending, outcome: outcome.promise, failure: failure.promise };
}

const kindsOf = async (events: AsyncIterator<ChatEvent>) => {
  const seen: unknown[] = [];
  for (let next = await events.next(); !next.done; next = await events.next()) {
    const { kind } = next.value;
    seen.push(next.value.kind === 'approval_resolved' ? next.value.resolution : kind);
  }
  return seen;
};

afterEach(() => void vi.useRealTimers());

describe('turn.requestApproval', () => {
  it('tells the host what is wanted, and parks the turn', async () => {
    const { host, pending } = await asked({
      approvalId: 'a1',
      tool: 'rm',
      params: { path: '/' },
      details: 'all of it',
    });
    const fields = {
      kind: 'approval_pending',
      approval_id: 'a1',
      tool: 'rm',
      params: { path: '/' },
      details: 'all of it',
    };
    expect(pending).toMatchObject(fields);
    expect((await host.sessions())[0]?.status).toBe('parked');
  });

  it.each([
    [true, true],
    ['yes', true],
    [false, false],
    ['maybe', false],
  ])('when the host decides %j › resolves with it, and says so', async (decision, approved) => {
    const { chat, events, outcome } = await asked();
    expect(await chat.approve('a1', decision, { answer: { because: 1 } })).toBe(true);
    const resolution = approved ? 'approve' : 'deny';
    expect(await outcome).toEqual({ approvalId: 'a1', approved, resolution, decision, answer: { because: 1 } });
    expect(await kindsOf(events)).toEqual([resolution, 'done']);
  });

  it('when it is resolved in host.approvals › resolves the same', async () => {
    const { real, events, outcome } = await asked();
    const manager = await real.manager();
    const [row] = await manager.approvals();
    expect(row).toMatchObject({ action: 'rm', status: 'pending', details: { source: 'chat', approval_id: 'a1' } });
    expect(await manager.resolveApproval(row?.id ?? '', 'approve')).toMatchObject({ status: 'approved' });
    expect(await outcome).toMatchObject({ approved: true, decision: true });
    expect(await kindsOf(events)).toEqual(['approve', 'done']);
  });

  it('when it is answered twice › the second gets -32016', async () => {
    const { chat } = await asked();
    const [first, second] = await Promise.all([chat.approve('a1', true), rejection(chat.approve('a1', false))]);
    expect(first).toBe(true);
    expect(second).toMatchObject({ codeName: 'ApprovalNotPending' });
  });

  it('gives each its own id where none is given', async () => {
    const { pending } = await asked({ action: 'leave' });
    expect(pending).toMatchObject({ action: 'leave', approval_id: expect.stringMatching(/^ask-[0-9a-f-]{36}$/) });
  });

  it('when nobody answers in time › resolves with a timeout, and says so', async () => {
    const { pending, events, outcome } = await asked({ action: 'leave', timeoutMs: 10 });
    expect(Date.parse(String((pending as { deadline?: string }).deadline))).toBeGreaterThan(0);
    expect(await outcome).toMatchObject({ approved: false, resolution: 'timeout', decision: undefined });
    expect(await kindsOf(events)).toEqual(['timeout', 'done']);
  });

  it('when the deadline is further away than a timer can wait › waits all the same', async () => {
    // The broker's clock is left as it is: it would sweep every five seconds of 25 days.
    const clock = { now: Date.now, setTimeout, clearTimeout };
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    const deadline = new Date(Date.now() + 2 ** 31 + 5_000);
    const real = await RealBroker.start({ clock });
    const outcome = deferred<ApprovalOutcome>();
    await real.agent(async (turn) => outcome.resolve(await turn.requestApproval({ action: 'wait', deadline })));
    const host = await real.host();
    const events = host.chat('echo', 'go')[Symbol.asyncIterator]();
    expect((await events.next()).value).toMatchObject({ deadline: deadline.toISOString() });
    vi.advanceTimersByTime(2 ** 31);
    expect((await host.sessions()).map(({ status }) => status)).toEqual(['parked']);
    vi.advanceTimersByTime(5_000);
    expect(await outcome.promise).toMatchObject({ resolution: 'timeout' });
  });

  it('when the turn is cancelled › rejects with TurnCancelled', async () => {
    const { chat, failure } = await asked();
    await chat.cancel();
    expect(await failure).toBeInstanceOf(TurnCancelled);
  });

  it('when the agent ends its turn meanwhile › rejects with TurnEnded, and no approval is left', async () => {
    const real = await RealBroker.start();
    const failures = deferred<unknown[]>();
    await real.agent(async (turn) => {
      const first = rejection(turn.requestApproval({ action: 'x' }));
      turn.event({ kind: 'done', finish_reason: 'stop' });
      failures.resolve([await first, await rejection(turn.requestApproval({ action: 'y' }))]);
    });
    const host = await real.host();
    await host.chat('echo', 'go').text();
    for (const error of await failures.promise) expect(error).toBeInstanceOf(TurnEnded);
    expect((await host.approvals()).map(({ action, status }) => [action, status])).toEqual([['x', 'withdrawn']]);
  });

  it('when that id is waited for already › rejects, and the first stays', async () => {
    const real = await RealBroker.start();
    const outcome = deferred<unknown>();
    await real.agent(async (turn) => {
      const first = turn.requestApproval({ approvalId: 'a', action: 'x' });
      outcome.resolve(await rejection(turn.requestApproval({ approvalId: 'a', action: 'x' })));
      await first;
    });
    const chat = (await real.host()).chat('echo', 'go');
    expect(await outcome.promise).toBeInstanceOf(TypeError);
    await chat.ack;
    expect(await chat.approve('a', true)).toBe(true);
    expect(await chat.text()).toBe('');
  });

  it('an answer to what nothing waits for › is answered resolved: false', async () => {
    const broker = await ScriptedBroker.start();
    onTestFinished(() => broker.stop());
    const connecting = connectAgent({ url: broker.url, agentId: 'echo', onChat: async () => {}, reconnect: false });
    const wire = await broker.accept();
    await wire.authenticate();
    await connecting;
    const method = 'agent.chat.approve';
    wire.send({ id: 1, method, params: { session_id: 's', approval_id: 'a', decision: true } });
    expect(await wire.receive()).toMatchObject({ id: 1, result: { resolved: false } });
    wire.send({ id: 2, method, params: { nonsense: true } });
    expect(await wire.receive()).toMatchObject({ id: 2, result: { resolved: false } });
  });
});

describe('host.requestApproval', () => {
  it('raises one, that the host’s own hand or the management role resolves', async () => {
    const real = await RealBroker.start();
    const [host, manager] = await Promise.all([real.host(), real.manager()]);
    const row = await host.requestApproval({ action: 'launch', details: { where: 'here' } });
    expect(row).toMatchObject({ action: 'launch', status: 'pending', details: { where: 'here' } });
    expect(await manager.approvals()).toEqual([row]);
    expect(await manager.resolveApproval(row.id, 'not today')).toMatchObject({
      status: 'denied',
      resolution: 'not today',
    });
    expect(await rejection(host.resolveApproval(row.id, 'approve'))).toMatchObject({ codeName: 'ApprovalNotPending' });
  });
});

describe('host.approvalOutcome', () => {
  it('waits until somebody has resolved it', async () => {
    const real = await RealBroker.start();
    const [host, manager] = await Promise.all([real.host(), real.manager()]);
    const { id } = await host.requestApproval({ action: 'launch' });
    const outcome = host.approvalOutcome(id);
    await manager.resolveApproval(id, 'approve');
    expect(await outcome).toMatchObject({ id, status: 'approved' });
  });

  it('when it is resolved already › says so at once', async () => {
    const host = await (await RealBroker.start()).host();
    const { id } = await host.requestApproval({ action: 'launch' });
    await host.resolveApproval(id, 'deny');
    expect(await host.approvalOutcome(id)).toMatchObject({ id, status: 'denied' });
  });

  it('when there is none › rejects with -32014', async () => {
    const host = await (await RealBroker.start()).host();
    expect(await rejection(host.approvalOutcome('none'))).toMatchObject({ codeName: 'NotFound' });
  });

  it('when the signal aborts › rejects with its reason', async () => {
    const host = await (await RealBroker.start()).host();
    const { id } = await host.requestApproval({ action: 'launch' });
    const controller = new AbortController();
    const why = new Error('no longer of interest');
    const waiting = rejection(host.approvalOutcome(id, { signal: controller.signal }));
    // Two round trips, after which it has subscribed.
    await host.hostAgents();
    await host.hostAgents();
    const subscribing = rejection(host.approvalOutcome(id, { signal: controller.signal }));
    controller.abort(why);
    expect(await Promise.all([waiting, subscribing])).toEqual([why, why]);
    expect(await rejection(host.approvalOutcome(id, { signal: controller.signal }))).toBe(why);
  });

  it('when the connection is lost › rejects with that', async () => {
    const host = await (await RealBroker.start()).host();
    const { id } = await host.requestApproval({ action: 'launch' });
    const outcome = rejection(host.approvalOutcome(id));
    await host.hostAgents();
    await host.close();
    expect(await outcome).toMatchObject({ name: 'ConnectionClosedError' });
  });
});
