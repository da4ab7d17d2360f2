import { expect, test } from 'vitest';
import type { DirectoryHandlers } from '../../cluster/directory.ts';
import { SharedDirectory } from '../../cluster/shared-directory.ts';

/** A broker's part in it, with what it was told. */
async function broker(directory: SharedDirectory, id: string, epoch = `${id}-first`) {
  const told: string[] = [];
  const handlers: DirectoryHandlers = {
    attached: (key, { broker, client, revision }) => told.push(`${key} at ${broker}/${client} #${revision}`),
    detached: (key, { broker, client }) => told.push(`${key} left ${broker}/${client}`),
    registered: (name, record) => told.push(`${name} is ${record}`),
  };
  await directory.open({ id, epoch }, handlers);
  return { directory, told };
}

async function two() {
  const first = new SharedDirectory();
  return [await broker(first, '1'), await broker(first.another(), '2')] as const;
}

/** All that was said is told by then. */
const told = () => new Promise((resolve) => setImmediate(resolve));

test('the newest place of an agent is told to all, in one order, and its end only while it is the newest', async () => {
  const [one, two_] = await two();
  one.directory.attach('default/a', 'c1');
  two_.directory.attach('default/a', 'c2');
  one.directory.detach('default/a', 'c1');
  expect(one.told).toEqual([]);
  await told();
  two_.directory.detach('default/a', 'c2');
  await told();
  const all = ['default/a at 1/c1 #1', 'default/a at 2/c2 #2', 'default/a left 2/c2'];
  expect(one.told).toEqual(all);
  expect(two_.told).toEqual(all);
});

test('what is known is told to who comes later before that is open', async () => {
  const [one] = await two();
  one.directory.attach('default/a', 'c1');
  await one.directory.register('agent/default/a', 'a spec');
  const late = await broker(one.directory.another(), '3');
  expect(late.told).toEqual(['default/a at 1/c1 #1', 'agent/default/a is a spec']);
});

test('an attach that is said again keeps its place in the order', async () => {
  const [one, two_] = await two();
  one.directory.attach('default/a', 'c1');
  one.directory.attach('default/a', 'c1');
  two_.directory.attach('default/b', 'c1');
  await told();
  expect(one.told).toEqual(['default/a at 1/c1 #1', 'default/b at 2/c1 #2']);
});

test('a name is claimed by one life at a time, which may say so again, and only it lets go', async () => {
  const [one, two_] = await two();
  await expect(one.directory.claim('s')).resolves.toEqual({ isOurs: true });
  await expect(one.directory.claim('s')).resolves.toEqual({ isOurs: true });
  await expect(two_.directory.claim('s')).resolves.toEqual({ isOurs: false, broker: '1' });
  two_.directory.release('s');
  await expect(two_.directory.claim('s')).resolves.toMatchObject({ isOurs: false });
  one.directory.release('s');
  await expect(two_.directory.claim('s')).resolves.toEqual({ isOurs: true });
});

test('a life that is over holds nothing, and says nothing any more', async () => {
  const [one, two_] = await two();
  one.directory.attach('default/a', 'c1');
  await one.directory.claim('s');
  two_.directory.buried('1', '1-first');
  await told();
  expect(two_.told).toEqual(['default/a at 1/c1 #1', 'default/a left 1/c1']);
  await expect(two_.directory.claim('s')).resolves.toEqual({ isOurs: true });
  one.directory.attach('default/a', 'c9');
  await expect(one.directory.claim('t')).rejects.toThrow('no part');
  await expect(one.directory.register('agent/default/a', 'x')).rejects.toThrow('no part');
  await told();
  expect(two_.told).toHaveLength(2);
});

test('another life of a broker buries the one before; that being said later harms nobody', async () => {
  const [one, two_] = await two();
  one.directory.attach('default/a', 'c1');
  await one.directory.claim('s');
  const again = await broker(one.directory.another(), '1', '1-second');
  again.directory.attach('default/a', 'c1');
  two_.directory.buried('1', '1-first');
  await told();
  expect(two_.told).toEqual(['default/a at 1/c1 #1', 'default/a left 1/c1', 'default/a at 1/c1 #2']);
  await expect(again.directory.claim('s')).resolves.toEqual({ isOurs: true });
});

test('what is registered is told to all when it changes, and kept when whoever wrote it is gone', async () => {
  const [one, two_] = await two();
  await one.directory.register('agent/default/a', 'first');
  await one.directory.register('agent/default/a', 'first');
  await one.directory.register('agent/default/a', 'second');
  await one.directory.register('agent/default/b', 'other');
  await one.directory.register('agent/default/b', undefined);
  await told();
  const all = ['first', 'second'].map((record) => `agent/default/a is ${record}`);
  expect(two_.told).toEqual([...all, 'agent/default/b is other', 'agent/default/b is undefined']);
  await one.directory.close();
  const late = await broker(one.directory.another(), '3');
  expect(late.told).toEqual(['agent/default/a is second']);
});

test('who has left hears nothing more', async () => {
  const [one, two_] = await two();
  two_.directory.attach('default/a', 'c1');
  await one.directory.close();
  await told();
  expect(one.told).toEqual([]);
  expect(one.directory.isConnected).toBe(false);
  await expect(one.directory.claim('s')).rejects.toThrow('not open');
});
