import { expect, test } from 'vitest';
import { type LinkedClient, openChat, settle, startLinked } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { heard, refusal, startResumable } from '../../support/resume-scene.ts';

/* A turn without a host: how long it waits, and how it ends (wire.md section 8). */

test('a detached turn › when nobody is back in time › then its agent is told, and the turn is gone', async () => {
  const scene = await startResumable();
  await scene.leave();
  await scene.linked.advance(59_000);
  expect(await scene.status()).toBe('detached');
  await scene.linked.advance(1_020);
  expect(await scene.status()).toBeUndefined();
  expect(scene.reasons()).toEqual(['host_disconnected']);
  expect(await readMetric(scene.broker, 'turns_ended_total')).toEqual({ abandoned: 1 });
});

test('a detached turn › when its host is back in time › then the window is over, and a new one begins with its next going', async () => {
  const scene = await startResumable();
  await scene.leave();
  await scene.linked.advance(50_000);
  const { client } = await scene.resume();
  await scene.linked.advance(5_000);
  expect(await scene.status()).toBe('streaming');
  await scene.leave(client);
  // The first window would be over by now.
  await scene.linked.advance(50_000);
  expect(await scene.status()).toBe('detached');
  await scene.linked.advance(10_020);
  expect(await scene.status()).toBeUndefined();
});

test('a detached turn › when more was wished than the broker allows › then the cap holds', async () => {
  const scene = await startResumable({ limits: { resumeWindowMs: 5_000 } });
  const client = await scene.linked.host();
  const { limits } = await client.ok('server.handshake', { protocol_version: 3 });
  expect(limits.resume_window_ms).toBe(5_000);
  await scene.leave();
  await scene.linked.advance(5_020);
  expect(await scene.status()).toBeUndefined();
});

test('a detached turn › when as many as may be are detached › then the next ends as without a window', async () => {
  const scene = await startResumable({ limits: { maxDetachedTurns: 1 } });
  const other = await scene.linked.host();
  await openChat(other, scene.agent, { agent_id: 'echo', session_id: 'other', resume_window_ms: 60_000 });
  await scene.leave();
  await scene.leave(other);
  expect(await scene.status()).toBe('detached');
  expect(scene.reasons()).toEqual(['host_disconnected']);
  // One that came back makes room.
  const { client } = await scene.resume();
  await scene.leave(client);
  expect(await scene.status()).toBe('detached');
});

const endings: [string, (scene: Awaited<ReturnType<typeof startResumable>>) => unknown, string, string[]][] = [
  ['its agent ends it', (scene) => scene.emit({ kind: 'done', finish_reason: 'stop' }), 'done stop', []],
  ['its agent fails', (scene) => scene.emit({ kind: 'error', error: 'oh', code: 'E' }), 'error E', []],
  ['its agent goes', (scene) => scene.agent.close(), 'error agent_disconnected', []],
  ['its agent connects anew', (scene) => scene.linked.agent('echo'), 'error agent_replaced', ['agent_replaced']],
  [
    'the host role cancels it',
    async (scene) => (await scene.linked.manager()).ok('agents.chat.cancel', { session_id: 's' }),
    'done cancelled',
    ['host_cancelled'],
  ],
];
test.each(endings)(
  'a detached turn › when %s › then the terminal waits in its log',
  async (_what, end, terminal, reasons) => {
    const scene = await startResumable();
    await scene.say('a');
    await scene.leave();
    await end(scene);
    await settle();
    expect(await scene.status()).toBeUndefined();
    const { client } = await scene.resume({ after: 1 });
    expect(heard(client)).toEqual([`2 ${terminal}`]);
    expect(scene.reasons()).toEqual(reasons);
  },
);

test('a detached turn › when its agent is silent for too long › then it is stale, in the log too, unless it waits for a person', async () => {
  for (const isParked of [false, true]) {
    const scene = await startResumable({ limits: { staleAfterMs: 20_000 } });
    if (isParked) await scene.emit({ kind: 'approval_pending', approval_id: 'a', tool: 't' });
    await scene.leave();
    for (let n = 0; n < 6; n += 1) await scene.linked.advance(5_000);
    const { client, result } = await scene.resume();
    expect(heard(client)).toEqual([isParked ? '1 approval_pending' : '1 error stale']);
    expect(result.status).toBe(isParked ? 'parked' : 'failed');
  }
});

test('a detached turn › when the broker stops › then it has its time, and ends as draining at who watches', async () => {
  const scene = await startResumable();
  const { client } = await scene.resume({ role: 'observer' });
  await scene.leave();
  const closing = scene.broker.close();
  await scene.linked.advance(9_000);
  await scene.say('a');
  await scene.linked.advance(3_000);
  await closing;
  expect(heard(client)).toEqual(['1 token a', '2 error draining']);
  expect(scene.reasons()).toEqual(['draining']);
});

test('a turn in the grace of a cancel › when its host goes › then its agent still ends it, and the log has the end', async () => {
  const scene = await startResumable();
  await scene.host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 10_000 });
  await scene.leave();
  expect(await scene.status()).toBe('cancelling');
  await scene.say('bye');
  const { client, result } = await scene.resume();
  expect(result).toMatchObject({ status: 'cancelling', head: 1 });
  await scene.emit({ kind: 'done', finish_reason: 'stopped' });
  expect(heard(client)).toEqual(['1 token bye', '2 done stopped']);
  expect(scene.reasons()).toEqual(['host_cancelled']);
});

test('a turn in the grace of a cancel › when its host goes and the agent says nothing › then the grace’s end stands in the log', async () => {
  const scene = await startResumable();
  await scene.host.ok('agents.chat.cancel', { session_id: 's', grace_ms: 10_000 });
  await scene.leave();
  await scene.linked.advance(10_020);
  const { client, result } = await scene.resume();
  expect(result.status).toBe('cancelled');
  expect(heard(client)).toEqual(['1 done cancelled']);
});

test('a detached turn › when it is cancelled with grace › then it can still be taken up until its end', async () => {
  const scene = await startResumable();
  const manager = await scene.linked.manager();
  await scene.leave();
  await manager.ok('agents.chat.cancel', { session_id: 's', grace_ms: 10_000 });
  const { client } = await scene.resume();
  await scene.linked.advance(60_000);
  expect(heard(client)).toEqual(['1 done cancelled']);
});

test('agents.chat › when the session’s turn is detached › then it is busy, and nobody but its next host may replace it', async () => {
  const scene = await startResumable();
  await scene.leave();
  const code = async (client: LinkedClient, on_busy: string) =>
    (await client.call('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's', on_busy }))?.error?.code;
  const stranger = await scene.linked.host();
  expect(await code(stranger, 'reject')).toBe(-32010);
  expect([await code(stranger, 'replace'), await code(stranger, 'queue')]).toEqual([-32015, -32015]);
  const { client } = await scene.resume();
  client.post('agents.chat', { agent_id: 'echo', prompt: 'anew', session_id: 's', on_busy: 'replace' });
  await settle();
  expect(heard(client)).toEqual(['1 done cancelled']);
  expect(scene.agent.lastChat().params.prompt).toBe('anew');
});

test('agents.chat › when a host goes before the ack › then the turn ends, whatever its window', async () => {
  const linked = startLinked();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's', resume_window_ms: 60_000 });
  await settle();
  host.close();
  await settle();
  expect(agent.received('agent.chat.cancel')).toMatchObject([{ params: { reason: 'host_disconnected' } }]);
  expect(await refusal(await linked.manager(), { session_id: 's' })).toBe(-32014);
});

test('detached turns › when one opener has left behind most of those that may wait › then its oldest makes room for another’s', async () => {
  const linked = startLinked({ limits: { maxDetachedTurns: 4 } });
  const agent = await linked.agent('echo');
  const manager = await linked.manager();
  const leave = async (...sessions: string[]) => {
    const host = await linked.host();
    for (const session_id of sessions) {
      await openChat(host, agent, { agent_id: 'echo', session_id, resume_window_ms: 60_000 });
    }
    host.close();
    await settle();
  };
  const waiting = async () =>
    (await manager.ok('agents.chat.sessions')).sessions.map((row: { session_id: string }) => row.session_id).sort();
  await leave('a1', 'a2', 'a3', 'a4', 'a5');
  // Its own are no reason: the fifth was one too many.
  expect(await waiting()).toEqual(['a1', 'a2', 'a3', 'a4']);
  await manager.ok('agents.chat.subscribe', { session_id: 'a1', role: 'observer' });
  await leave('b1');
  expect(await waiting()).toEqual(['a2', 'a3', 'a4', 'b1']);
  // It has ended as one that nobody came back to.
  expect(heard(manager)).toEqual([]);
  expect(manager.events('a1')).toMatchObject([{ kind: 'done', finish_reason: 'cancelled', synthesized: true }]);
  const told = agent.received('agent.chat.cancel').map(({ params }) => [params.session_id, params.reason]);
  expect(told).toEqual(['a5', 'a1'].map((session) => [session, 'host_disconnected']));
  await leave('c1');
  // Now the shares are equal as far as they can be, and who comes last has none.
  expect(await waiting()).toEqual(['a3', 'a4', 'b1', 'c1']);
  await leave('b2', 'd1', 'd2');
  expect(await waiting()).toEqual(['a4', 'b1', 'b2', 'c1']);
});
