import { expect, it } from 'vitest';
import { openChat } from './support/chat.ts';
import { startDaemon } from './support/daemon.ts';
import type { Message } from './support/wire-client.ts';

it('inspect.subscribe › with --inspect › then a turn is watched from its start to its end, and /metrics counts the watcher', async () => {
  const daemon = await startDaemon({ flags: ['--inspect'] });
  const [watcher, host, agent] = [await daemon.manager(), await daemon.host(), await daemon.agent('echo')];
  const { machines, sequence } = await watcher.ok('inspect.subscribe');
  expect(Object.keys(machines)).toContain('turn');
  const { turnId, emit } = await openChat(host, agent, { agent_id: 'echo' });
  for (let n = 0; n < 200; n += 1) emit({ kind: 'token', delta: `${n}` });
  emit({ kind: 'done', finish_reason: 'stop' });
  const records = (): Message[] =>
    watcher.frames.filter(({ method }) => method === 'inspect.event').flatMap(({ params }) => params.records);
  const end = await watcher.when(() => records().find((record) => record.output?.turnId === turnId));
  expect(end).toMatchObject({ type: 'ended', status: 'done', state: ['done'] });
  const told = records();
  expect(told.map((record) => record.sequence)).toEqual(told.map((_, n) => sequence + 1 + n));
  const tokens = told.filter(({ actor, event }) => actor === end.actor && event === 'chat.event');
  expect(tokens.reduce((sum, { count = 1 }) => sum + count, 0)).toBe(200);
  expect(tokens.length).toBeLessThan(110);
  const text = JSON.stringify(watcher.frames);
  for (const secret of Object.values(daemon.tokens)) expect(text).not.toContain(secret);
  const { body } = await daemon.get('/metrics');
  expect(body).toContain('\nswitchboard_inspect_watchers 1\n');
  expect(body).toMatch(/^switchboard_routing_seconds_bucket\{le="\+Inf"\} [1-9]/m);
  expect(body).toMatch(/^switchboard_event_loop_delay_seconds\{quantile="0.99"\} \d/m);
  await watcher.ok('inspect.unsubscribe');
  expect((await daemon.get('/metrics')).body).toContain('\nswitchboard_inspect_watchers 0\n');
});

it('inspect.subscribe › without --inspect › then -32601, while broker.status is there', async () => {
  const daemon = await startDaemon();
  const manager = await daemon.manager();
  expect((await manager.call('inspect.subscribe')).error.code).toBe(-32601);
  const { pid, inspect, state, connections } = await manager.ok('broker.status');
  expect([pid, inspect, state]).toEqual([daemon.announced.pid, false, 'accepting']);
  expect(connections.rows).toMatchObject([{ role: 'host', via: 'tcp' }]);
});
