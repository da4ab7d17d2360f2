import { expect, test } from 'vitest';
import { LOG_BYTES } from '../../../actors/turns/resume/turn-log.ts';
import { openChat, settle } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { heard, startResumable } from '../../support/resume-scene.ts';

/* The log of a turn is bounded; of what it drops the text stays (wire.md section 8). */

const TEN = '0123456789';
const DONE = { kind: 'done', finish_reason: 'stop' };

test('a log › when it is full › then the oldest events are gone, their text stays, and the live stream goes on', async () => {
  const scene = await startResumable({ limits: { maxLogBytes: 1_000 } });
  const deltas = Array.from({ length: 50 }, (_, n) => `${n} `);
  await scene.say(...deltas);
  await scene.emit({ kind: 'token', delta: 'odd ', logprob: 1 });
  await scene.emit({ kind: 'mood', text: 'x'.repeat(100) });
  await scene.leave();
  await scene.say('last ');
  const { client, result } = await scene.resume();
  expect(result).toMatchObject({ head: 53, recovered: false, text: `${deltas.join('')}odd last ` });
  await scene.say('live');
  expect(heard(client)).toEqual(['54 token live']);
  // What is kept is replayed as ever.
  const recent = await scene.resume({ after: 50, role: 'observer' });
  expect(recent.result).not.toHaveProperty('text');
  expect(heard(recent.client)).toEqual(['51 token odd ', '52 mood', '53 token last ', '54 token live']);
  expect((await readMetric(scene.broker, 'resume_log_bytes'))['']).toBeLessThan(LOG_BYTES + 1_000 + 300);
});

test('a log › when somebody asks for exactly what is kept, or for one event more › then all of it comes, or the text', async () => {
  // Three tokens of ten characters, and the place that each takes.
  const scene = await startResumable({ limits: { maxLogBytes: 3 * (10 + 64) } });
  await scene.say(...Array<string>(10).fill(TEN));
  const { result } = await scene.resume({ after: 7, role: 'observer' });
  expect(result).toMatchObject({ recovered: true });
  const short = await scene.resume({ after: 6, role: 'observer' });
  expect(short.result).toMatchObject({ recovered: false, text: TEN.repeat(10) });
  expect(heard(short.client)).toEqual([]);
});

test('a log › when the turn has ended › then the terminal is replayed even where the rest is gone, however large it is', async () => {
  const scene = await startResumable({ limits: { maxLogBytes: 200 } });
  await scene.say(...Array<string>(10).fill(TEN));
  await scene.emit({ ...DONE, text: TEN.repeat(100) });
  const { client, result } = await scene.resume({ after: 3 });
  expect(result).toMatchObject({ status: 'done', head: 11, recovered: false, text: TEN.repeat(10) });
  expect(heard(client)).toEqual(['11 done stop']);
});

test('a log › when the text of what is gone is too long to keep › then there is none, and no wrong one', async () => {
  const scene = await startResumable({ limits: { maxLogBytes: 200, maxLogTextBytes: 50 } });
  await scene.say(...Array<string>(20).fill(TEN));
  const { client, result } = await scene.resume();
  expect(result).toMatchObject({ head: 20, recovered: false });
  expect(result).not.toHaveProperty('text');
  await scene.say('live');
  expect(heard(client)).toEqual(['21 token live']);
});

test('a log › when its default is four MiB › then two of small deltas are kept whole, and of six the text', async () => {
  const scene = await startResumable();
  const delta = 'ä'.repeat(512);
  const send = async (count: number) => {
    for (let n = 0; n < count; n += 64) await scene.say(...Array<string>(64).fill(delta));
  };
  await send(2_048);
  const { client, result } = await scene.resume({ role: 'observer' });
  expect(result).toMatchObject({ head: 2_048, recovered: true });
  // So many are merged, as they are where much waits: nothing is missing, and nothing comes twice.
  const events = client.events('s');
  expect(events.length).toBeLessThan(2_048);
  expect(events.map(({ seq_from, seq }) => seq - seq_from + 1).reduce((sum, count) => sum + count)).toBe(2_048);
  expect(events.every(({ seq_from }, at) => seq_from === (events[at - 1]?.seq ?? 0) + 1)).toBe(true);
  expect(events.map((event) => event.delta).join('') === delta.repeat(2_048)).toBe(true);
  await scene.leave(client);
  await send(4_096);
  const later = await scene.resume();
  expect(later.result.recovered).toBe(false);
  expect(later.result.text === delta.repeat(6_144)).toBe(true);
});

test('all logs › when they hold as much as they may › then ended ones go first, the oldest first', async () => {
  const scene = await startResumable({ limits: { maxAllLogBytes: 3 * LOG_BYTES + 2_000 } });
  const open = async (session_id: string) =>
    (await openChat(scene.host, scene.agent, { agent_id: 'echo', session_id, resume_window_ms: 60_000 })).turn_id;
  const turns: string[] = [];
  for (const session of ['one', 'two']) {
    turns.push(await open(session));
    for (let n = 0; n < 10; n += 1) scene.agent.emit(session, { kind: 'token', delta: TEN });
    scene.agent.emit(session, DONE);
  }
  await scene.say(...Array<string>(5).fill(TEN));
  const manager = await scene.linked.manager();
  const find = async (session_id: string) => (await manager.call('agents.chat.subscribe', { session_id })).error?.code;
  expect([await find('one'), await find('two')]).toEqual([-32014, undefined]);
  expect((await readMetric(scene.broker, 'resume_log_bytes'))['']).toBeLessThanOrEqual(3 * LOG_BYTES + 2_000);
  const { result } = await scene.resume({ role: 'observer' });
  expect(result).toMatchObject({ head: 5, recovered: true });
});

test('all logs › when only live ones are left › then the largest lets go of what it holds, and no stream notices', async () => {
  const scene = await startResumable({ limits: { maxAllLogBytes: 2 * LOG_BYTES + 2_000 } });
  const other = await scene.linked.host();
  await openChat(other, scene.agent, { agent_id: 'echo', session_id: 'large', resume_window_ms: 60_000 });
  await scene.say(TEN, TEN);
  for (let n = 0; n < 30; n += 1) scene.agent.emit('large', { kind: 'token', delta: TEN });
  await scene.say('a');
  expect(other.events('large')).toHaveLength(30);
  const manager = await scene.linked.manager();
  const large = await manager.ok('agents.chat.subscribe', { session_id: 'large', role: 'observer' });
  expect(large).toMatchObject({ head: 30, recovered: false });
  expect(large).not.toHaveProperty('text');
  const { result } = await scene.resume({ role: 'observer' });
  expect(result).toMatchObject({ head: 3, recovered: true });
  expect((await readMetric(scene.broker, 'resume_log_bytes'))['']).toBeLessThanOrEqual(2 * LOG_BYTES + 2_000);
});

test('all logs › when live turns have nothing but events of megabytes › then those go, too, and no stream notices', async () => {
  const large = { kind: 'mood', text: 'x'.repeat(40_000) };
  const scene = await startResumable({ limits: { maxAllLogBytes: 100_000 } });
  for (let n = 0; n < 5; n += 1) {
    const session_id = `large-${n}`;
    await openChat(scene.host, scene.agent, { agent_id: 'echo', session_id, resume_window_ms: 60_000 });
    scene.agent.emit(session_id, large);
  }
  await settle();
  expect((await readMetric(scene.broker, 'resume_log_bytes'))['']).toBeLessThanOrEqual(100_000);
  expect(scene.host.events()).toHaveLength(5);
  const manager = await scene.linked.manager();
  const recovered = async (n: number) =>
    (await manager.ok('agents.chat.subscribe', { session_id: `large-${n}`, role: 'observer' })).recovered;
  expect([await recovered(0), await recovered(4)]).toEqual([false, true]);
  scene.agent.emit('large-0', DONE);
  await settle();
  expect(manager.events('large-0').map(({ seq, kind }) => `${seq} ${kind}`)).toEqual(['2 done']);
});

test('a log › when one event is larger than all that it may hold › then it goes at once, unless it is the terminal', async () => {
  const scene = await startResumable({ limits: { maxLogBytes: 1_000 } });
  await scene.say('a');
  await scene.emit({ kind: 'mood', text: 'x'.repeat(2_000) });
  expect((await readMetric(scene.broker, 'resume_log_bytes'))['']).toBe(LOG_BYTES + 1);
  const { client, result } = await scene.resume({ after: 1, role: 'observer' });
  expect(result).toMatchObject({ head: 2, recovered: false, text: 'a' });
  // Who has all of it needs nothing of the log.
  expect((await scene.resume({ after: 2, role: 'observer' })).result.recovered).toBe(true);
  await scene.emit({ ...DONE, text: 'x'.repeat(2_000) });
  expect(heard(client)).toEqual(['3 done stop']);
  expect(heard((await scene.resume({ after: 2 })).client)).toEqual(['3 done stop']);
});

test('a log › when a token is no plain one › then the delta that is kept beside its frame counts, too', async () => {
  const scene = await startResumable();
  const bytes = async () => (await readMetric(scene.broker, 'resume_log_bytes'))[''] ?? 0;
  const before = await bytes();
  await scene.emit({ kind: 'token', delta: 'x'.repeat(10_000), logprob: 1 });
  expect((await bytes()) - before).toBeGreaterThan(20_000);
});

test('all logs › when very many short turns end › then each counts its fixed cost, and the oldest make room', async () => {
  const scene = await startResumable({ limits: { maxAllLogBytes: 10 * LOG_BYTES } });
  await scene.emit(DONE);
  for (let n = 0; n < 20; n += 1) {
    const session_id = `short-${n}`;
    await openChat(scene.host, scene.agent, { agent_id: 'echo', session_id, resume_window_ms: 60_000 });
    scene.agent.emit(session_id, DONE);
  }
  await settle();
  expect((await readMetric(scene.broker, 'resume_log_bytes'))['']).toBeLessThanOrEqual(10 * LOG_BYTES);
  expect((await readMetric(scene.broker, 'ended_turns_kept'))['']).toBeLessThan(10);
});
