import { beforeAll, describe, expect, it } from 'vitest';
import { openChat, settle } from './support/chat.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { answersTo, heard, requested, rowOf, subscribe } from './support/tools.ts';
import type { Message, WireClient } from './support/wire-client.ts';

let daemon: Daemon;
let watcher: WireClient;
beforeAll(async () => {
  daemon = await startDaemon();
  watcher = await daemon.manager();
  await subscribe(watcher);
});

const resolve = (client: WireClient, approval_id: string, resolution: unknown = 'approve'): Promise<Message> =>
  client.call('host.resolve_approval', { approval_id, resolution });

/** A chat turn that waits for an approval, and its row as the host role sees it. */
async function parked(agentId: string) {
  const [host, agent] = [await daemon.host(), await daemon.agent(agentId)];
  const chat = await openChat(host, agent, { agent_id: agentId });
  chat.emit({ kind: 'approval_pending', approval_id: 'ask', tool: 'rm', params: { path: '/secret' } });
  await host.event(chat.turnId, ({ kind }) => kind === 'approval_pending');
  const row = await requested(watcher, ({ details }) => details.session_id === chat.sessionId);
  const asked = (n = 0) => agent.when(() => agent.received('agent.chat.approve')[n]);
  const approve = (client: WireClient, more: object = { decision: true }) =>
    client.post('agents.chat.approve', { session_id: chat.sessionId, approval_id: 'ask', ...more });
  return { host, agent, chat, row, asked, approve };
}

describe('an approval that a client asks for', () => {
  it('waits with its defaults, is heard of, and is decided by the first answer', async () => {
    const raiser = await daemon.host();
    const row = await raiser.ok('host.request_approval', { action: 'launch' });
    expect(row).toMatchObject({ agent_id: null, action: 'launch', options: ['approve', 'deny'], status: 'pending' });
    expect(await requested(watcher, ({ id }) => id === row.id)).toEqual(row);
    expect((await resolve(raiser, row.id)).result).toMatchObject({ id: row.id, status: 'approved' });
    const { payload } = await heard(
      watcher,
      (event) => event.kind === 'approval.resolved' && event.payload.id === row.id,
    );
    expect(payload).toMatchObject({ status: 'approved' });
    const { error } = await resolve(watcher, row.id, 'deny');
    expect(error).toMatchObject({ code: -32016, data: { resolution: 'approved' } });
    expect(await rowOf(watcher, row.id)).toMatchObject({ status: 'approved' });
  });

  it.each(['deny', 'Approve', 'later'])('is denied by %j, as by any label but approve', async (label) => {
    const raiser = await daemon.host();
    const { id } = await raiser.ok('host.request_approval', { action: 'launch' });
    expect((await resolve(watcher, id, label)).result).toMatchObject({ status: 'denied' });
  });

  it('is not consumed by an answer that is none, and one that is not there gets -32016', async () => {
    const { id } = await watcher.ok('host.request_approval', { action: 'launch' });
    for (const resolution of ['', 7, null, undefined]) {
      expect((await watcher.call('host.resolve_approval', { approval_id: id, resolution })).error.code).toBe(-32602);
    }
    expect(await rowOf(watcher, id)).toMatchObject({ status: 'pending' });
    expect((await resolve(watcher, 'no-such')).error.code).toBe(-32016);
    expect((await resolve(watcher, id)).result).toMatchObject({ status: 'approved' });
  });

  it('is the raiser’s and the host role’s to answer: -32015 for another host, and for an agent', async () => {
    const [raiser, other, agent] = [await daemon.host(), await daemon.host(), await daemon.agent('nosy')];
    const { id } = await raiser.ok('host.request_approval', { action: 'launch' });
    for (const client of [other, agent]) expect((await resolve(client, id)).error.code).toBe(-32015);
    expect((await resolve(watcher, id)).result).toMatchObject({ status: 'approved' });
  });

  it('from an agent bears that agent’s id, and any client but an agent may answer it', async () => {
    const [agent, other] = [await daemon.agent('asking'), await daemon.agent('accomplice')];
    const row = await agent.ok('host.request_approval', { agent_id: 'accomplice', action: 'launch' });
    expect(row).toMatchObject({ agent_id: 'asking', status: 'pending' });
    for (const client of [agent, other]) expect((await resolve(client, row.id)).error.code).toBe(-32015);
    expect((await resolve(await daemon.host(), row.id)).result).toMatchObject({ status: 'approved' });
  });

  it('is withdrawn when its raiser is gone', async () => {
    const raiser = await daemon.host();
    const { id } = await raiser.ok('host.request_approval', { action: 'launch' });
    raiser.socket.terminate();
    await heard(watcher, ({ kind, payload }) => kind === 'approval.resolved' && payload.id === id);
    expect(await rowOf(watcher, id)).toMatchObject({ status: 'withdrawn' });
    expect((await resolve(watcher, id)).error).toMatchObject({ code: -32016, data: { resolution: 'withdrawn' } });
  });

  it('goes to one of many who answer at once', async () => {
    const { id } = await watcher.ok('host.request_approval', { action: 'race' });
    const managers = await Promise.all(Array.from({ length: 8 }, () => daemon.manager()));
    const answers = await Promise.all(managers.map((client, n) => resolve(client, id, n % 2 ? 'approve' : 'deny')));
    const [winner, ...more] = answers.filter(({ result }) => result);
    expect(more).toEqual([]);
    expect(answers.filter(({ error }) => error?.code === -32016)).toHaveLength(7);
    expect(await rowOf(watcher, id)).toMatchObject({ status: winner.result.status });
  });
});

describe('an approval that a chat waits for', () => {
  it('is asked of the host, answered by it, and taken by the agent, words and all', async () => {
    const { host, agent, chat, row, asked, approve } = await parked('careful');
    expect(await host.ok('agents.chat.sessions')).toMatchObject({ sessions: [{ status: 'parked' }] });
    const id = approve(host, { decision: 'yes', answer: { why: [null] } });
    const request = await asked();
    expect(request.params).toEqual({
      session_id: chat.sessionId,
      approval_id: 'ask',
      decision: 'yes',
      answer: { why: [null] },
    });
    agent.answer(request, { resolved: true });
    expect((await host.replyTo(id)).result).toEqual({ resolved: true, session_id: chat.sessionId });
    chat.emit({ kind: 'approval_resolved', approval_id: 'ask', resolution: 'approve' });
    await host.event(chat.turnId, ({ kind }) => kind === 'approval_resolved');
    expect(await host.ok('agents.chat.sessions')).toMatchObject({ sessions: [{ status: 'streaming' }] });
    expect(await rowOf(watcher, row.id)).toMatchObject({ status: 'approved', details: { source: 'chat' } });
    expect((await resolve(watcher, row.id)).error).toMatchObject({ code: -32016, data: { resolution: 'approved' } });
  });

  it('is answered on the other path by the host role, and the agent is asked just the same', async () => {
    const { host, agent, row, asked, approve } = await parked('careful-2');
    const id = watcher.post('host.resolve_approval', { approval_id: row.id, resolution: 'deny' });
    const request = await asked();
    expect(request.params).toMatchObject({ approval_id: 'ask', decision: false });
    // On its way it counts as taken.
    expect((await host.replyTo(approve(host))).error.code).toBe(-32016);
    agent.answer(request, { resolved: true });
    expect((await watcher.replyTo(id)).result).toMatchObject({ id: row.id, status: 'denied' });
    expect(agent.received('agent.chat.approve')).toHaveLength(1);
  });

  it('is nobody else’s: not another host’s, never an agent’s, and they do not see what it is about', async () => {
    const { agent, row, approve } = await parked('careful-3');
    const other = await daemon.host();
    for (const client of [other, agent]) {
      expect((await client.replyTo(approve(client))).error.code).toBe(-32015);
      expect((await resolve(client, row.id)).error.code).toBe(-32015);
    }
    const seen = await rowOf(other, row.id);
    expect(seen.details).toMatchObject({ source: 'chat', approval_id: 'ask' });
    expect(JSON.stringify(seen)).not.toContain('/secret');
    expect(JSON.stringify(row)).toContain('/secret');
    expect(agent.received('agent.chat.approve')).toEqual([]);
  });

  it('still waits where the agent says no, or fails: false, and -32012', async () => {
    const { host, agent, row, asked, approve } = await parked('careful-4');
    const first = approve(host);
    agent.answer(await asked(0), { resolved: false });
    expect((await host.replyTo(first)).result).toMatchObject({ resolved: false });
    const second = approve(host);
    agent.answer(await asked(1), undefined, { code: 9, message: 'confused' });
    expect((await host.replyTo(second)).error).toMatchObject({ code: -32012, data: { agent_error: { code: 9 } } });
    expect(await rowOf(watcher, row.id)).toMatchObject({ status: 'pending' });
  });

  it('still waits where the agent is silent for five seconds: -32004, and its late answer changes nothing', async () => {
    const { host, agent, row, asked, approve } = await parked('careful-5');
    const since = performance.now();
    const id = approve(host);
    const request = await asked();
    expect((await host.replyTo(id)).error.code).toBe(-32004);
    expect(performance.now() - since).toBeGreaterThan(4_500);
    agent.answer(request, { resolved: true });
    await settle(agent, host);
    expect(answersTo(host, id)).toHaveLength(1);
    expect(await rowOf(watcher, row.id)).toMatchObject({ status: 'pending' });
    const again = approve(host);
    agent.answer(await asked(1), { resolved: true });
    expect((await host.replyTo(again)).result).toMatchObject({ resolved: true });
  }, 15_000);

  it('is withdrawn when its turn ends, and one that was never pending gets -32016', async () => {
    const { host, chat, row, approve } = await parked('careful-6');
    expect((await host.replyTo(approve(host, { approval_id: 'other' }))).error.code).toBe(-32016);
    await host.ok('agents.chat.cancel', { session_id: chat.sessionId });
    await host.terminal(chat.turnId);
    expect(await rowOf(watcher, row.id)).toMatchObject({ status: 'withdrawn' });
    expect((await resolve(watcher, row.id)).error.code).toBe(-32016);
    expect((await host.replyTo(approve(host))).error.code).toBe(-32014);
  });
});
