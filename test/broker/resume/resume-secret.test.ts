import { expect, test } from 'vitest';
import type { Logger } from '../../../broker.ts';
import { startInternals } from '../../support/internals.ts';
import { openChat, settle, startLinked } from '../../support/linked.ts';
import { readMetric, scrape } from '../../support/metrics.ts';
import { startResumable } from '../../support/resume-scene.ts';
import { eventsOf, subscribe } from '../../support/tool-scene.ts';
import { recordsOf, tick } from '../inspect/inspect-support.ts';

/* The token that resumes a turn opens it to whoever has it: it stands in one reply and nowhere else. */

test('a resume token › when everything else is looked at › then it is in no listing, event, metric, nor at anybody else', async () => {
  const scene = await startResumable();
  const manager = await scene.linked.manager();
  await subscribe(manager);
  await scene.leave();
  const { client } = await scene.resume();
  await scene.emit({ kind: 'done', finish_reason: 'stop' });
  await scene.resume();
  await manager.ok('agents.chat.sessions');
  await manager.ok('host.events');
  await manager.ok('agents.list');
  expect(eventsOf(manager).map((event) => event.kind)).toContain('chat.ended');
  const others = [manager, scene.agent, client].flatMap((one) => one.frames);
  expect(JSON.stringify(others)).not.toContain(scene.token);
  expect(JSON.stringify(scene.host.frames).split(scene.token)).toHaveLength(2);
  expect(await scrape(scene.broker)).not.toContain(scene.token);
  expect(await readMetric(scene.broker, 'resumes_total')).toEqual({ controller: 2 });
});

test('a resume token › when it is given out › then no inspected event, record or log line has it', async () => {
  const lines: unknown[][] = [];
  const note = (...line: unknown[]) => lines.push(line);
  const log: Logger = { debug: note, info: note, warn: note, error: note };
  const internals = startInternals({ log });
  const seen: unknown[] = [];
  const stop = internals.inspect((event) => {
    if (event.type === '@xstate.event') seen.push(event.event);
  });
  const host = await internals.host();
  const agent = await internals.agent('echo');
  const { resume_token } = await openChat(host, agent, {
    ...{ agent_id: 'echo', session_id: 's', resume_window_ms: 60_000 },
  });
  stop();
  expect(resume_token).toMatch(/^[\w-]{43}$/);
  const told = (value: unknown): string => {
    const known = new Set<unknown>();
    return JSON.stringify(value, (_key, each) => {
      if (typeof each !== 'object' || each === null) return each;
      if (known.has(each)) return undefined;
      known.add(each);
      return each instanceof Map || each instanceof Set ? [...each] : each;
    });
  };
  expect(seen.length).toBeGreaterThan(5);
  for (const event of seen) expect(told(event)).not.toContain(resume_token);
  expect(told(internals.turn('s'))).not.toContain(resume_token);
  internals.attached('echo').link.terminate();
  await settle();
  for (const line of lines) expect(told(line)).not.toContain(resume_token);
});

test('agents.chat.subscribe › when its params are wrong › then the error does not repeat the token', async () => {
  const scene = await startResumable();
  const client = await scene.linked.host();
  const reply = await client.call('agents.chat.subscribe', { ...scene.claim(), after: 'x', turn_id: 7 });
  expect(reply.error.code).toBe(-32602);
  expect(JSON.stringify(reply)).not.toContain(scene.token);
});

test('a resume token › when a host has chosen it › then no watcher, listing, log line or error has it', async () => {
  const lines: unknown[][] = [];
  const note = (...line: unknown[]) => lines.push(line);
  const linked = startLinked({ log: { debug: note, info: note, warn: note, error: note }, inspect: true });
  const manager = await linked.manager();
  await subscribe(manager);
  await manager.ok('inspect.subscribe');
  const host = await linked.host();
  const agent = await linked.agent('echo');
  const token = 'chosen-by-the-host-and-by-nobody-else-at-all';
  const params = { agent_id: 'echo', session_id: 's', resume_window_ms: 60_000, resume_token: token };
  host.post('agents.chat', { prompt: 'hi', ...params });
  await openChat(host, agent, params);
  const refused = await host.call('agents.chat', { ...params, prompt: 'ho' });
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  await host.ok('agents.chat', { prompt: 'hi', ...params });
  await manager.ok('agents.chat.sessions');
  await tick(linked);
  expect(recordsOf(manager).length).toBeGreaterThan(5);
  for (const seen of [manager.frames, agent.frames, lines, refused]) expect(JSON.stringify(seen)).not.toContain(token);
});
