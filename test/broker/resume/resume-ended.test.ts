import { expect, test } from 'vitest';
import { startInternals } from '../../support/internals.ts';
import { type Message, openChat, settle } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { heard, refusal, startResumable } from '../../support/resume-scene.ts';

/* Turns that have ended stay resumable for five minutes (wire.md section 8). */

const DONE = { kind: 'done', finish_reason: 'stop' };

test('an ended turn › when its host comes back for it › then it gets the rest, the end, and what became of it', async () => {
  const scene = await startResumable();
  await scene.say('a', 'b');
  await scene.emit(DONE);
  const { client, result } = await scene.resume({ after: 1 });
  expect(result).toEqual({
    ...{ session_id: 's', turn_id: scene.turnId, agent_id: 'echo' },
    ...{ status: 'done', head: 3, recovered: true, pending_approvals: [], epoch: expect.any(String) },
  });
  expect(heard(client)).toEqual(['2 token b', '3 done stop']);
});

test('an ended turn › when somebody has all of it already › then nothing is sent again', async () => {
  const scene = await startResumable();
  await scene.emit(DONE);
  const { client, result } = await scene.resume({ after: 1, role: 'observer' });
  expect(result).toMatchObject({ head: 1, recovered: true });
  expect(heard(client)).toEqual([]);
});

test.each<[string, (at: Awaited<ReturnType<typeof startResumable>>) => unknown, string]>([
  ['done', ({ emit }) => emit(DONE), 'done stop'],
  ['failed', ({ emit }) => emit({ kind: 'error', error: 'oh', code: 'E' }), 'error E'],
  ['cancelled', ({ host }) => host.ok('agents.chat.cancel', { session_id: 's' }), 'done cancelled'],
  [
    'abandoned',
    async (at) => {
      await at.leave();
      await at.linked.advance(60_020);
    },
    'done cancelled',
  ],
])(
  'an ended turn › when it is %s › then its status says so, and the terminal is replayed',
  async (status, end, terminal) => {
    const scene = await startResumable();
    await end(scene);
    const { client, result } = await scene.resume();
    expect(result.status).toBe(status);
    expect(heard(client)).toEqual([`1 ${terminal}`]);
  },
);

test('an ended turn › when five minutes are over › then it is not found, and nothing of it is kept', async () => {
  const scene = await startResumable();
  await scene.emit(DONE);
  await scene.linked.advance(299_999);
  const { client } = await scene.resume();
  expect(await readMetric(scene.broker, 'ended_turns_kept')).toEqual({ '': 1 });
  await scene.linked.advance(1);
  expect(await refusal(client, scene.claim())).toBe(-32014);
  await scene.linked.advance(5_000);
  expect(await readMetric(scene.broker, 'ended_turns_kept')).toEqual({});
  expect(await readMetric(scene.broker, 'resume_log_bytes')).toEqual({});
});

test('an ended turn › when a stranger asks › then -32015, and with another session’s id -32014', async () => {
  const scene = await startResumable();
  await scene.emit(DONE);
  const stranger = await scene.linked.host();
  expect(await refusal(stranger, { session_id: 's' })).toBe(-32015);
  expect(await refusal(stranger, { session_id: 's', resume_token: 'x' })).toBe(-32015);
  expect(await refusal(stranger, { ...scene.claim(), session_id: 'other', turn_id: scene.turnId })).toBe(-32014);
  expect(await refusal(stranger, { ...scene.claim(), after: 2 })).toBe(-32602);
  expect(await refusal(stranger, scene.claim())).toBeUndefined();
});

test('an ended turn › when its opener is still there, or the host role asks › then no token is needed', async () => {
  const scene = await startResumable();
  await scene.emit(DONE);
  await scene.host.ok('agents.chat.subscribe', { session_id: 's' });
  expect(heard(scene.host)).toEqual(['1 done stop', '1 done stop']);
  expect(await refusal(await scene.linked.manager(), { session_id: 's' })).toBeUndefined();
});

test('a session id › when it is used again › then the live turn is meant, and an older one where it is named', async () => {
  const scene = await startResumable();
  await scene.say('old');
  await scene.emit(DONE);
  const again = { agent_id: 'echo', session_id: 's', resume_window_ms: 60_000 };
  const second: Message = await openChat(scene.host, scene.agent, again);
  await scene.say('new');
  const client = await scene.linked.host();
  // Each turn has its own token.
  expect(await refusal(client, scene.claim())).toBe(-32015);
  const ofSecond = { session_id: 's', resume_token: second.resume_token };
  expect(await refusal(client, { ...ofSecond, turn_id: scene.turnId })).toBe(-32015);
  await client.ok('agents.chat.subscribe', { ...scene.claim(), turn_id: scene.turnId });
  expect(heard(client)).toEqual(['1 token old', '2 done stop']);
  await client.ok('agents.chat.subscribe', { ...ofSecond, turn_id: second.turn_id });
  expect(heard(client).slice(2)).toEqual(['1 token new']);
  await scene.emit(DONE);
  // Both have ended: the last one is meant.
  expect((await client.ok('agents.chat.subscribe', ofSecond)).turn_id).toBe(second.turn_id);
});

test('a session id › when the live turn keeps no log › then the older one is found only where it is named', async () => {
  const scene = await startResumable();
  await scene.emit(DONE);
  await openChat(scene.host, scene.agent, { agent_id: 'echo', session_id: 's' });
  const manager = await scene.linked.manager();
  expect(await refusal(manager, { session_id: 's' })).toBe(-32014);
  expect(await refusal(manager, { session_id: 's', turn_id: scene.turnId })).toBeUndefined();
});

test('ended turns › when there are more than are kept › then the oldest is forgotten', async () => {
  const scene = await startResumable({ limits: { keptEndedTurns: 2 } });
  await scene.emit(DONE);
  const turns = [scene.turnId];
  for (let n = 0; n < 2; n += 1) {
    const again = { agent_id: 'echo', session_id: 's', resume_window_ms: 60_000 };
    turns.push((await openChat(scene.host, scene.agent, again)).turn_id);
    await scene.emit(DONE);
  }
  const codes = turns.map((turn_id) => refusal(scene.host, { session_id: 's', turn_id }));
  expect(await Promise.all(codes)).toEqual([-32014, undefined, undefined]);
});

test('an ended turn › when a cancel ends it and asks at once › then the answers come in order', async () => {
  const scene = await startResumable();
  const cancel = scene.host.post('agents.chat.cancel', { session_id: 's' });
  const again = scene.host.post('agents.chat.subscribe', { session_id: 's' });
  await settle();
  const order = scene.host.frames.slice(-4).map((frame) => frame.id ?? `${frame.params.seq} ${frame.params.kind}`);
  expect(order).toEqual([cancel, '1 done', again, '1 done']);
});

test.each(['done', 'failed', 'abandoned'])(
  'a turn that is %s and not yet buried › when somebody asks for it › then its own end is told, and its terminal comes',
  async (value) => {
    const internals = startInternals({ limits: { maxLogBytes: 200 } });
    const host = await internals.host();
    const agent = await internals.agent('echo');
    await openChat(host, agent, { agent_id: 'echo', session_id: 's', resume_window_ms: 60_000 });
    const turn = internals.turn('s');
    for (let n = 0; n < 10; n += 1) turn.log?.addToken('0123456789', 0);
    turn.log?.addFrame(
      JSON.stringify({ method: 'agents.chat.event', params: { session_id: 's', kind: 'done' } }),
      '',
      0,
      11,
    );
    turn.ref = { getSnapshot: () => ({ status: 'done', value }) } as unknown as NonNullable<typeof turn.ref>;
    const result = await host.ok('agents.chat.subscribe', { session_id: 's' });
    expect(result).toMatchObject({ status: value, head: 11, recovered: false });
    expect(host.events('s')).toMatchObject([{ kind: 'done' }]);
  },
);

test('a turn whose actor broke and is not yet buried › when somebody asks for it › then -32603, and no end is made up', async () => {
  const internals = startInternals();
  const host = await internals.host();
  const agent = await internals.agent('echo');
  await openChat(host, agent, { agent_id: 'echo', session_id: 's', resume_window_ms: 60_000 });
  const turn = internals.turn('s');
  const broken = { getSnapshot: () => ({ status: 'error', value: 'streaming' }) };
  turn.ref = broken as unknown as NonNullable<typeof turn.ref>;
  expect(await refusal(host, { session_id: 's' })).toBe(-32603);
});
