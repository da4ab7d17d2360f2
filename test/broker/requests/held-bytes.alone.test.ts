import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { roughBytes } from '../../../actors/kernel/held-bytes.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { collectGarbage } from '../../support/gc.ts';
import { startInternals } from '../../support/internals.ts';
import { openChat, settle, startLinked } from '../../support/linked.ts';
import { answersTo } from '../../support/tool-scene.ts';

/* What clients have sent, and the broker keeps because it waits: it has a budget, and is let go of. */

const LARGE = 'x'.repeat(6_000);
const LIMITS = { maxHeldBytes: 10_000, maxAllHeldBytes: 15_000 };
const refused = (name: string) => ({ error: { code: ErrorCode.LimitExceeded, data: { limit: { name } } } });

test('chats that wait behind another › when they are large › then only so much of them waits, until they have begun', async () => {
  const linked = startLinked({ limits: LIMITS });
  const [host, agent] = [await linked.host(), await linked.agent('echo')];
  const { turn_id } = await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  const queue = () => host.post('agents.chat', { agent_id: 'echo', session_id: 's', prompt: LARGE, on_busy: 'queue' });
  const first = queue();
  const second = queue();
  await settle();
  expect(answersTo(host, first)).toEqual([]);
  expect(answersTo(host, second)).toMatchObject([refused('max_held_bytes')]);
  agent.emit('s', { kind: 'done', finish_reason: 'stop', turn_id });
  await settle();
  const third = queue();
  await settle();
  expect(answersTo(host, third)).toEqual([]);
  expect(agent.lastChat().params.prompt).toBe(LARGE);
});

test('chats that wait behind others › when many connections have some › then there is a bound for all, and who goes makes room', async () => {
  const linked = startLinked({ limits: LIMITS });
  const agent = await linked.agent('echo');
  const hosts = [await linked.host(), await linked.host(), await linked.host()] as const;
  for (const [n, host] of hosts.entries()) await openChat(host, agent, { agent_id: 'echo', session_id: `s${n}` });
  const queue = (n: 0 | 1 | 2) =>
    hosts[n].post('agents.chat', { agent_id: 'echo', session_id: `s${n}`, prompt: LARGE, on_busy: 'queue' });
  queue(0);
  queue(1);
  const late = queue(2);
  await settle();
  expect(answersTo(hosts[2], late)).toMatchObject([
    {
      error: { code: ErrorCode.LimitExceeded, data: { limit: { name: 'max_all_held_bytes' }, retry_after_ms: 1_000 } },
    },
  ]);
  hosts[0].close();
  await settle();
  const again = queue(2);
  await settle();
  expect(answersTo(hosts[2], again)).toEqual([]);
});

test('requests at the gate › when they are large › then only so much of them waits, until somebody has answered', async () => {
  const linked = startLinked({ limits: LIMITS, approvals: { methods: ['host.notify'] } });
  const [host, manager] = [await linked.host(), await linked.manager()];
  const ask = () => host.post('host.notify', { payload: LARGE });
  const first = ask();
  const second = ask();
  await settle();
  expect(answersTo(host, second)).toMatchObject([refused('max_held_bytes')]);
  const { approvals } = await manager.ok('host.approvals');
  await manager.ok('host.resolve_approval', { approval_id: approvals[0].id, resolution: 'deny' });
  expect(answersTo(host, first)).toMatchObject([{ error: { code: ErrorCode.ApprovalDenied } }]);
  const third = ask();
  await settle();
  expect(answersTo(host, third)).toEqual([]);
});

test('an embedder’s method › when it works on what is large › then only so much of that waits, until its work has ended', async () => {
  const linked = startLinked({ limits: LIMITS });
  const release: (() => void)[] = [];
  const handler = () => new Promise<null>((resolve) => release.push(() => resolve(null)));
  linked.broker.method('slow', { schema: z.object({ text: z.string() }), handler });
  const host = await linked.host();
  const first = host.post('slow', { text: LARGE });
  const second = host.post('slow', { text: LARGE });
  await settle();
  expect(answersTo(host, second)).toMatchObject([refused('max_held_bytes')]);
  release[0]?.();
  await settle();
  expect(answersTo(host, first)).toMatchObject([{ result: null }]);
  const third = host.post('slow', { text: LARGE });
  await settle();
  expect(answersTo(host, third)).toEqual([]);
});

test('tool calls › when their host cannot be asked yet › then only so much of their parameters waits', async () => {
  const linked = startLinked({ limits: LIMITS });
  const [host, agent] = [await linked.host(), await linked.agent('echo')];
  await host.ok('tools.register', [{ name: 'lamp' }]);
  host.post('agents.chat', { agent_id: 'echo', session_id: 's', prompt: 'hi' });
  await settle();
  const ask = () => agent.post('tools.execute', { session_id: 's', tool: 'lamp', parameters: { text: LARGE } });
  const first = ask();
  const second = ask();
  await settle();
  expect(answersTo(agent, first)).toEqual([]);
  expect(answersTo(agent, second)).toMatchObject([refused('max_held_bytes')]);
  agent.answer(agent.lastChat(), { accepted: true });
  await settle();
  expect(host.received('tools.execute')).toHaveLength(1);
  const third = ask();
  await settle();
  expect(answersTo(agent, third)).toEqual([]);
  expect(host.received('tools.execute')).toHaveLength(2);
});

test('prompts and parameters › when they have been sent › then nothing of them is held', async () => {
  const internals = startInternals();
  const [host, agent] = [await internals.host(), await internals.agent('echo')];
  await host.ok('tools.register', [{ name: 'lamp' }]);
  const large = (n: number) => String(n).repeat(1024 * 1024);
  await collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < 20; n += 1) {
    await openChat(host, agent, {
      agent_id: 'echo',
      session_id: `s${n}`,
      prompt: large(n),
      context: { all: large(n) },
    });
    agent.post('tools.execute', { session_id: `s${n}`, tool: 'lamp', parameters: { text: large(n) } });
    await settle();
    // Not what the test itself has received.
    host.frames.length = 0;
    agent.frames.length = 0;
  }
  expect(internals.state.held.bytes).toBe(0);
  await collectGarbage();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(20 * 1024 * 1024);
});

test('a rough size › when any JSON value is measured › then it is no less than its texts, and makes none', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const texts = (JSON.stringify(value).match(/[\w ]/g) ?? []).length;
      const bytes = roughBytes(value);
      expect(bytes).toBeGreaterThanOrEqual(texts / 16);
      expect(bytes).toBe(roughBytes(structuredClone(value)));
    }),
  );
  expect(roughBytes({ a: 'x'.repeat(1_000) })).toBeGreaterThan(1_000);
});
