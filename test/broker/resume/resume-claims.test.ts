import { expect, test } from 'vitest';
import { heard, refusal, startResumable } from '../../support/resume-scene.ts';

/* Two that both hold a turn's token: who comes back by itself does not take it from who came on purpose (section 8). */

const TAKEN = { code: -32015, data: { reason: 'taken_over' } };

test('a controller that comes back by itself › when nobody else has taken the turn › then it has it again, as often as it likes', async () => {
  const scene = await startResumable();
  await scene.leave();
  const first = await scene.resume({ claim: 'old', unless_taken: true });
  await scene.say('a');
  // An answer that was lost must not lock out who asked.
  const second = await scene.resume({ claim: 'old', unless_taken: true });
  await scene.say('b');
  expect([heard(first.client), heard(second.client)]).toEqual([['1 token a'], ['1 token a', '2 token b']]);
});

test.each<[string, object]>([
  ['with another claim', { claim: 'new' }],
  ['with none', {}],
])(
  'a controller that comes back by itself › when somebody has taken the turn over %s › then -32015, and nothing changes',
  async (_how, taking) => {
    const scene = await startResumable();
    await scene.resume({ claim: 'old' });
    const { client: holder } = await scene.resume(taking);
    const old = await scene.linked.host();
    const claim = { ...scene.claim(), unless_taken: true };
    expect((await old.call('agents.chat.subscribe', { ...claim, claim: 'old' })).error).toMatchObject(TAKEN);
    expect((await old.call('agents.chat.subscribe', claim)).error).toMatchObject(TAKEN);
    // The connection that opened the turn has no claim either.
    expect((await scene.host.call('agents.chat.subscribe', claim)).error).toMatchObject(TAKEN);
    await scene.say('a');
    expect([heard(old), heard(scene.host), heard(holder)]).toEqual([[], [], ['1 token a']]);
    // To watch takes it from nobody, and on purpose it may be taken back.
    expect(await refusal(old, { ...claim, claim: 'old', role: 'observer' })).toBeUndefined();
    expect(await refusal(old, { ...scene.claim(), claim: 'old' })).toBeUndefined();
    await scene.leave(old);
    expect((await scene.resume({ claim: 'old', unless_taken: true })).result.status).toBe('streaming');
  },
);

test('a controller that comes back by itself › when who took the turn over has gone, or the turn has ended › then it still is not its own', async () => {
  const scene = await startResumable();
  const { client } = await scene.resume({ claim: 'new' });
  await scene.leave(client);
  const old = { ...scene.claim(), claim: 'old', unless_taken: true };
  expect(await refusal(scene.host, old)).toBe(-32015);
  expect(await scene.status()).toBe('detached');
  await scene.emit({ kind: 'done', finish_reason: 'stop' });
  expect(await refusal(scene.host, old)).toBe(-32015);
  // Who only reads what is over takes nothing over.
  expect(await refusal(scene.host, { ...scene.claim(), claim: 'another' })).toBeUndefined();
  expect((await scene.resume({ claim: 'new', unless_taken: true })).result.status).toBe('done');
});

test('a claim › when an observer sends one, or a stranger › then it is nobody’s', async () => {
  const scene = await startResumable();
  await scene.resume({ claim: 'watcher', role: 'observer' });
  const stranger = await scene.linked.host();
  expect(await refusal(stranger, { session_id: 's', claim: 'thief' })).toBe(-32015);
  expect((await scene.resume({ claim: 'mine', unless_taken: true })).result.status).toBe('streaming');
});

test.each([[''], ['x'.repeat(129)], [7]])('a claim › when it is %j › then -32602', async (claim) => {
  const scene = await startResumable();
  expect(await refusal(scene.host, { ...scene.claim(), claim })).toBe(-32602);
});
