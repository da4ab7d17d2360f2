import { expect, test } from 'vitest';
import { openChat, settle, startLinked } from '../../support/linked.ts';
import { actorIn, ofActor, recordsOf, tick } from './inspect-support.ts';

/** A watched broker with a host whose turn can be resumed. */
async function startResumable() {
  const linked = startLinked({ inspect: true });
  const [watcher, host, agent] = [await linked.manager(), await linked.host(), await linked.agent('echo')];
  await openChat(host, agent, { agent_id: 'echo', session_id: 's', resume_window_ms: 60_000 });
  const snapshot = await watcher.ok('inspect.subscribe');
  const hears = actorIn(snapshot, 'turn').context.host as string;
  /** What the host's connection heard of the turn, as it is told. */
  const frames = () => ofActor(watcher, actorIn(snapshot, hears).id).filter(({ event }) => event === 'chat.frame');
  return { linked, watcher, host, agent, frames };
}

test('an event of a turn that can be resumed › is told as what it says, its secrets masked', async () => {
  const { linked, agent, frames } = await startResumable();
  agent.emit('s', { kind: 'tool_call', tool: 'mail', params: { to: 'me', api_key: 'hunter2' } });
  await tick(linked);
  expect(frames()).toMatchObject([
    { payload: { params: { kind: 'tool_call', tool: 'mail', params: { to: 'me', api_key: '[redacted]' }, seq: 1 } } },
  ]);
});

test('a very long event of it › is told by its length alone, because no secret could be found in it', async () => {
  const { linked, watcher, agent, frames } = await startResumable();
  agent.emit('s', { kind: 'tool_call', tool: 'mail', params: { api_key: 'hunter2', body: 'x'.repeat(20_000) } });
  await tick(linked);
  expect(frames()).toMatchObject([{ payload: { text: '…' } }]);
  expect(frames()[0].payload.length).toBeGreaterThan(20_000);
  expect(JSON.stringify(recordsOf(watcher))).not.toContain('hunter2');
});

test('very many events of it › are told as a number and the last, as any turn’s', async () => {
  const { linked, host, agent, frames } = await startResumable();
  for (let n = 1; n <= 500; n += 1) agent.emit('s', { kind: 'token', delta: `token ${n}`, extra: n });
  await settle();
  await tick(linked, 1_000);
  expect(frames().length).toBeLessThan(100);
  expect(frames().reduce((sum, { count = 1 }) => sum + count, 0)).toBe(500);
  expect(frames().at(-1)).toMatchObject({ payload: { params: { delta: 'token 500' } } });
  expect(host.events('s')).toHaveLength(500);
});

test('what is no token › is told one by one, however many tokens come beside it', async () => {
  const { linked, agent, frames, watcher } = await startResumable();
  for (let n = 1; n <= 600; n += 1) {
    agent.emit('s', { kind: 'token', delta: 'x' });
    if (n % 60 === 0) agent.emit('s', { kind: 'tool_call', tool: `tool ${n}` });
  }
  await settle();
  await tick(linked, 1_000);
  expect(frames().map(({ payload }) => payload.params.tool)).toEqual(
    Array.from({ length: 10 }, (_, n) => `tool ${(n + 1) * 60}`),
  );
  const bundles = recordsOf(watcher).filter(({ event, count = 1 }) => event === 'chat.event' && count > 1);
  expect(bundles.every(({ payload }) => payload.params.kind === 'token')).toBe(true);
});
