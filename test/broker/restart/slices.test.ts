import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { settle } from '../../support/linked.ts';
import { MemoryDisk } from '../../support/memory-turn-journal.ts';
import { openKept, recovered, startLife } from './restart-scene.ts';

/* What is done for many turns at once after a restart holds nobody else up: it is done in slices. */

const MANY = 600;

// How long a slice takes is told by each look at the clock, and not by how quick the machine is.
beforeEach(() => {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => {
    now += 1;
    return now;
  });
});
afterEach(() => vi.restoreAllMocks());

/** As many turns of one agent as there are, each from before a restart. */
async function startMany() {
  const disk = new MemoryDisk();
  const life = startLife(disk);
  const host = await life.linked.host();
  const agent = await life.attach();
  const turns: { turn_id: string; session_id: string; resume_token: string }[] = [];
  for (let n = 0; n < MANY; n += 1) {
    const opened = await openKept(host, agent, { agent_id: 'echo', session_id: `s${n}`, resume_window_ms: 60_000 });
    turns.push(opened as (typeof turns)[number]);
  }
  life.kill();
  const next = startLife(disk);
  return { next, turns };
}

/** How many turns of the event loop pass until something is so. */
async function roundsUntil(until: () => boolean): Promise<number> {
  let rounds = 0;
  for (; !until(); rounds += 1) {
    expect(rounds).toBeLessThan(10_000);
    await new Promise(setImmediate);
  }
  return rounds;
}

test('an agent that comes back to hundreds of turns › then they are taken up in slices, and it is answered for all of them', async () => {
  const { next, turns } = await startMany();
  for (let n = 0; n < 40; n += 1) await recovered();
  const agent = await next.attach();
  const rows = turns.map(({ turn_id, session_id }) => ({ turn_id, session_id }));
  const id = agent.post('agent.resume', { turns: rows });
  const rounds = await roundsUntil(() => agent.replyTo(id) !== undefined);
  expect(rounds).toBeGreaterThan(2);
  const { result } = agent.replyTo(id) as { result: { turns: { status: string; turn_id: string }[] } };
  expect(result.turns.map(({ turn_id, status }) => [turn_id, status])).toEqual(
    rows.map(({ turn_id }) => [turn_id, 'resumed']),
  );
});

test('an agent that comes back with none of hundreds of turns › then they end in slices; those that a newer connection names meanwhile go on', async () => {
  const { next, turns } = await startMany();
  for (let n = 0; n < 40; n += 1) await recovered();
  const manager = await next.linked.manager();
  const live = async () => (await manager.ok('agents.chat.sessions')).sessions.length as number;
  expect(await live()).toBe(MANY);
  const agent = await next.attach();
  const id = agent.post('agent.resume', { turns: [] });
  await roundsUntil(() => agent.replyTo(id) !== undefined);
  expect(await live()).toBeGreaterThan(0);
  const last = turns.at(-1) as (typeof turns)[number];
  const newer = await next.attach();
  const { session_id, turn_id } = last;
  const { turns: named } = await newer.ok('agent.resume', { turns: [{ turn_id, session_id }] });
  expect(named).toMatchObject([{ status: 'resumed' }]);
  for (let n = 0; n < 40; n += 1) await recovered();
  const { sessions } = await manager.ok('agents.chat.sessions');
  expect(sessions).toMatchObject([{ session_id, status: 'detached' }]);
});

test('hundreds of requests that wait for a restart › then they are carried out in slices, in order, each once', async () => {
  const { next, turns } = await startMany();
  const host = await next.linked.host();
  const ids = turns.map(({ session_id, resume_token }) =>
    host.post('agents.chat.subscribe', { session_id, resume_token }),
  );
  // One that comes while they are carried out stands behind them.
  await roundsUntil(() => host.replyTo(ids[0]) !== undefined);
  expect(host.replyTo(ids.at(-1))).toBeUndefined();
  const cancel = host.post('agents.chat.cancel', { session_id: turns.at(-1)?.session_id });
  await roundsUntil(() => host.replyTo(cancel) !== undefined);
  await settle();
  expect(host.replyTo(cancel)?.result).toMatchObject({ cancelled: true });
  const answers = host.frames.filter(({ id, method }) => method === undefined && ids.includes(id));
  expect(answers.map(({ id }) => id)).toEqual(ids);
  expect(answers.every(({ result }) => result?.status === 'recovering')).toBe(true);
});
