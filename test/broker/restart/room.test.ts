import { expect, test } from 'vitest';
import { DONE, openKept, recovered, startKept, told } from './restart-scene.ts';

/* A broker that is started anew has less room for logs than it had, or than the journal has of them. */

const small = { limits: { maxAllLogBytes: 8 * 1024 } };

test('turns › when the journal has more than all logs may hold › then the largest go on without their past, and the others have all of it', async () => {
  const { agent, host, say, again, named, claim } = await startKept();
  await say(agent, 1, ...Array.from({ length: 20 }, (_, n) => `${n} ${'x'.repeat(500)}`));
  const other = await openKept(host, agent, { agent_id: 'echo', session_id: 'other', resume_window_ms: 60_000 });
  agent.emit('other', { kind: 'token', delta: 'short', turn_id: other.turn_id, aseq: 1 });
  await recovered();

  const next = await again(small);
  const back = await next.linked.host();
  const subscribed = { session_id: 'other', resume_token: other.resume_token };
  expect(await back.ok('agents.chat.subscribe', subscribed)).toMatchObject({ head: 1, recovered: true });
  expect(back.events('other').map(({ delta }) => delta)).toContain('short');
  const result = await back.ok('agents.chat.subscribe', claim());
  expect(result).toMatchObject({ status: 'recovering', head: 20, recovered: false });
  expect(result).not.toHaveProperty('text');
  // Whoever had all of it misses nothing.
  const late = await next.linked.host();
  expect(await late.ok('agents.chat.subscribe', claim({ after: 20 }))).toMatchObject({ head: 20, recovered: true });

  const agentBack = await next.attach();
  const { turns } = await agentBack.ok('agent.resume', { turns: [named({ next: 21, kept_from: 21 })] });
  expect(turns).toMatchObject([{ status: 'resumed', after: 20 }]);
  await say(agentBack, 21, 'on', DONE);
  expect(told(late).slice(-2)).toEqual(['21 on', '22 done stop']);
});

test('a turn › when there is no room for its log, and it has ended › then its terminal is there all the same', async () => {
  const { agent, say, again, claim } = await startKept();
  await say(agent, 1, ...Array.from({ length: 20 }, (_, n) => `${n} ${'x'.repeat(500)}`), DONE);
  const next = await again(small);
  const back = await next.linked.host();
  expect(await back.ok('agents.chat.subscribe', claim())).toMatchObject({ status: 'done', head: 21, recovered: false });
  expect(told(back)).toEqual(['21 done stop']);
});
