import { expect, test } from 'vitest';
import { createActor, setup } from 'xstate';
import { hookInspection } from '../../../actors/kernel/xstate-privates.ts';
import { recordsOf } from '../inspect/inspect-support.ts';
import { startRecorded } from '../recording/recording-scene.ts';

/** An actor system that was begun, and how many reports each of those who see it has had. */
function startSystem() {
  const actor = createActor(setup({}).createMachine({ on: { ping: {} } }));
  actor.start();
  const heard: string[] = [];
  const see = (name: string) =>
    hookInspection(actor.system, ({ type }) => type === '@xstate.event' && heard.push(name));
  const ping = () => {
    heard.length = 0;
    const { system } = actor as unknown as { system: { _relay(from: unknown, to: unknown, event: object): void } };
    system._relay(undefined, actor, { type: 'ping' });
    return [...heard];
  };
  return { see, ping };
}

test.each([
  ['the first leaves first', [0, 1]],
  ['the second leaves first', [1, 0]],
])('two see an actor system › when %s › then the other goes on seeing, and nobody after both', (_how, order) => {
  const { see, ping } = startSystem();
  const leave = [see('one'), see('other')];
  expect(ping()).toEqual(['one', 'other']);
  leave[order[0] as number]?.();
  expect(ping()).toEqual([order[0] === 0 ? 'other' : 'one']);
  // Twice is once.
  leave[order[0] as number]?.();
  expect(ping()).toHaveLength(1);
  leave[order[1] as number]?.();
  expect(ping()).toEqual([]);
  see('again');
  expect(ping()).toEqual(['again']);
});

test('somebody watches while turns are recorded › then both have all of it, and recording goes on when the watcher has left', async () => {
  const { ask, open, say, end, linked } = await startRecorded({ inspect: true });
  const watcher = await linked.manager();
  await watcher.ok('inspect.subscribe');
  const turnId = await open('s');
  await say('s', 'a');
  await linked.advance(60);
  const seen = recordsOf(watcher).filter(({ type }) => type === 'transition').length;
  expect(seen).toBeGreaterThan(0);
  await watcher.ok('inspect.unsubscribe');
  await end('s');
  expect((await ask.turn(turnId)).records.at(-1)).toMatchObject({ type: 'ended', state: ['done'] });
});
