import { expect, test } from 'vitest';
import type { LinkedClient, Message } from '../../support/linked.ts';
import { DONE, startComeback, told } from './comeback-scene.ts';

/*
 * A host that has had more of a turn than there is here: its broker was another, or the same in a life of before. The agent will
 * send that again (docs/protocol.md, section 8).
 */

/** A host that comes back and claims to have everything up to there. */
async function come(scene: Awaited<ReturnType<typeof startComeback>>, after: number, params: object = {}) {
  const host = await scene.linked.manager();
  const result = await host.ok('agents.chat.subscribe', { session_id: 's', after, ...params });
  return { host, result };
}

const resumable = () => startComeback({}, { resume_window_ms: 60_000 });

const codeOf = async (host: LinkedClient, params: object): Promise<number | undefined> =>
  ((await host.call('agents.chat.subscribe', { session_id: 's', ...params })) as Message).error?.code;

test('a host that is ahead › then what it has is not sent again, and it goes on where it was', async () => {
  const scene = await resumable();
  await scene.say(scene.agent, 1, 'a');
  const { host, result } = await come(scene, 3);
  expect(result).toMatchObject({ status: 'streaming', head: 1, recovered: true });
  await scene.say(scene.agent, 2, 'b', 'c', 'd', DONE);
  expect(told(host)).toEqual(['4 d', '5 done stop']);
  const { host: late } = await come(scene, 0);
  expect(told(late)).toEqual(['1 a', '2 b', '3 c', '4 d', '5 done stop']);
});

test('a host that is ahead › beside an observer that is not › then each hears what it lacks', async () => {
  const scene = await resumable();
  const { host } = await come(scene, 2);
  const { host: observer } = await come(scene, 0, { role: 'observer' });
  await scene.say(scene.agent, 1, 'a', 'b', 'c', DONE);
  expect(told(host)).toEqual(['3 c', '4 done stop']);
  expect(told(observer)).toEqual(['1 a', '2 b', '3 c', '4 done stop']);
});

test('a host that is ahead › when it asks again with less › then that is what it has', async () => {
  const scene = await resumable();
  const { host } = await come(scene, 9);
  await scene.say(scene.agent, 1, 'a', 'b');
  await host.ok('agents.chat.subscribe', { session_id: 's', after: 1 });
  await scene.say(scene.agent, 3, 'c');
  expect(told(host)).toEqual(['2 b', '3 c']);
});

test('a host that is ahead › when the agent does not come back › then the end follows what the host has, and says that something is missing', async () => {
  const scene = await resumable();
  await scene.say(scene.agent, 1, 'a');
  const { host } = await come(scene, 5);
  const { host: observer } = await come(scene, 0, { role: 'observer' });
  const { host: farther } = await come(scene, 8, { role: 'observer' });
  await scene.cut();
  await scene.linked.advance(60_040);
  const end = { kind: 'error', code: 'agent_disconnected', synthesized: true, truncated: true };
  expect(host.events('s').at(-1)).toMatchObject({ ...end, seq: 6 });
  expect(observer.events('s').at(-1)).toMatchObject({ ...end, seq: 6 });
  expect(farther.events('s').at(-1)).toMatchObject({ ...end, seq: 9 });
  for (const reader of [host, observer, farther])
    expect(reader.events('s').filter(({ kind }) => kind === 'error')).toHaveLength(1);
  // Of the log the numbers in between are nobody's.
  const { host: late, result } = await come(scene, 0);
  expect([result.head, ...told(late)]).toEqual([6, '1 a', '6 error agent_disconnected']);
  const { host: between } = await come(scene, 3);
  expect(told(between)).toEqual(['6 error agent_disconnected']);
});

test('a host that is ahead › when nothing is missing after all › then its end says nothing of that', async () => {
  const scene = await resumable();
  const { host } = await come(scene, 2);
  await scene.say(scene.agent, 1, 'a', 'b');
  await scene.cut();
  await scene.linked.advance(60_040);
  const [end] = host.events('s').filter(({ kind }) => kind === 'error');
  expect(end).toMatchObject({ seq: 3, code: 'agent_disconnected' });
  expect(end).not.toHaveProperty('truncated');
});

test('a host that claims more than there ever was › when the agent ends the turn › then it hears the end all the same, once', async () => {
  const scene = await resumable();
  const { host } = await come(scene, 4_294_967_294);
  await scene.say(scene.agent, 1, 'a', DONE);
  expect(host.events('s')).toMatchObject([
    { kind: 'done', finish_reason: 'stop', seq: 4_294_967_295, truncated: true },
  ]);
});

test('a host that claims as much as there can be › when the broker ends the turn › then a replay costs what was kept', async () => {
  const scene = await resumable();
  await scene.say(scene.agent, 1, 'a');
  await come(scene, 4_294_967_294);
  const { host } = await come(scene, 0);
  await host.ok('agents.chat.cancel', { session_id: 's' });
  expect(told(host)).toEqual(['1 a', '4294967295 done cancelled']);
  const { host: late } = await come(scene, 0);
  expect(told(late)).toEqual(['1 a', '4294967295 done cancelled']);
});

test('after beyond the head › when nobody will send that again › then -32602', async () => {
  const ended = await resumable();
  await ended.say(ended.agent, 1, 'a', DONE);
  expect(await codeOf(await ended.linked.manager(), { after: 3 })).toBe(-32602);
  const { linked, host } = await resumable();
  const plain = await linked.agent('plain');
  const id = host.post('agents.chat', { agent_id: 'plain', prompt: 'hi', session_id: 'p', resume_window_ms: 60_000 });
  await linked.advance(0);
  plain.answer(plain.lastChat(), { accepted: true });
  await linked.advance(0);
  expect(host.replyTo(id).result.accepted).toBe(true);
  expect(await codeOf(host, { session_id: 'p', after: 1 })).toBe(-32602);
  expect(await codeOf(host, { after: 4_294_967_295 })).toBe(-32602);
});

test('a reader that is ahead › when it goes › then nothing of it stays', async () => {
  const scene = await resumable();
  const { host } = await come(scene, 3);
  const { host: observer } = await come(scene, 3, { role: 'observer' });
  await observer.ok('agents.chat.unsubscribe', { session_id: 's' });
  await scene.cut(host);
  const { host: next } = await come(scene, 0);
  await scene.say(scene.agent, 1, 'a');
  expect(told(next)).toEqual(['1 a']);
  expect(observer.events('s')).toEqual([]);
});
