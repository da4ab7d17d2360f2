import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { MAX_HELD_BYTES } from '../../link/flow.ts';
import { UnixCarrier } from '../../link/unix-carrier.ts';
import { brokerOf, slowClock } from '../link/support/broker.ts';
import { own, temporaryDirectory } from './support/cleanup.ts';

/* Links between processes that are stopped and killed. */

interface Said {
  events: string[];
  counts: Record<string, number>;
}

const PROGRAM = fileURLToPath(new URL('support/link-broker.js', import.meta.url));

async function spawn(directory: string, id: string, epoch: string): Promise<ChildProcess> {
  const child = fork(PROGRAM, [directory, id, epoch, 'a'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  own(() => {
    // One that is stopped is killed all the same.
    child.kill('SIGKILL');
  });
  await once(child, 'message');
  return child;
}

async function ask(child: ChildProcess): Promise<Said> {
  child.send('?');
  const [said] = (await once(child, 'message')) as [Said];
  return said;
}

/** Broker a in this process, b and c in processes of their own. */
async function scene() {
  const directory = temporaryDirectory();
  const b = await spawn(directory, 'b', 'b-1');
  const c = await spawn(directory, 'c', 'c-1');
  const carrier = new UnixCarrier({ self: 'a', directory });
  const a = brokerOf('a', carrier, { clock: slowClock });
  for (const peer of ['b', 'c']) carrier.connect(peer);
  await a.peers.open();
  own(() => a.peers.close());
  await vi.waitFor(() => expect(a.heard).toEqual(expect.arrayContaining(['opened b-1', 'opened c-1'])));
  const said = { b: 0, c: 0 };
  /** Says so many numbered tokens. */
  const say = (peer: 'b' | 'c', count: number, size = 100) => {
    for (let n = 0; n < count; n += 1) {
      said[peer] += 1;
      a.say(peer, `${said[peer]} `.padEnd(size, 'x'));
    }
  };
  const lost = () => a.heard.filter((line) => line.startsWith('lost'));
  const has = (child: ChildProcess, count: number) =>
    vi.waitFor(async () => expect((await ask(child)).counts.a).toBe(count), { interval: 50 });
  return { directory, a, b, c, said, say, lost, has };
}

it('a peer that is stopped › keeps nobody else waiting, and has everything when it goes on', async () => {
  const { a, b, c, say, said, lost, has } = await scene();
  say('b', 1_000);
  say('c', 1_000);
  b.kill('SIGSTOP');
  // More than its socket holds.
  say('b', 20_000);
  for (let round = 1; round <= 20; round += 1) {
    say('c', 1_000);
    await has(c, said.c);
  }
  expect(a.peers.link('b')?.waitingBytes).toBeGreaterThan(1024 * 1024);
  b.kill('SIGCONT');
  await has(b, said.b);
  await vi.waitFor(() => expect(a.peers.link('b')?.waitingBytes).toBe(0));
  expect(lost()).toEqual([]);
  expect([(await ask(b)).events, (await ask(c)).events]).toEqual([['opened a-1'], ['opened a-1']]);
});

it('a peer that is stopped while 8 MiB are said to it › is lost, alone, and there is another link when it goes on', async () => {
  const { a, b, c, say, said, lost, has } = await scene();
  b.kill('SIGSTOP');
  while (lost().length === 0 && said.b < 20_000) {
    say('b', 100, 1_024);
    say('c', 10);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(lost()).toEqual(['lost b overrun']);
  expect(said.b * 1_024).toBeGreaterThan(MAX_HELD_BYTES / 2);
  expect(a.say('b', 'x')).toBe(false);
  await has(c, said.c);
  b.kill('SIGCONT');
  await vi.waitFor(() => expect(a.peers.link('b')?.isOpen).toBe(true));
  said.b = 0;
  say('b', 100);
  await has(b, 100);
  // Before that it has heard a part of what was said, from the beginning.
  expect((await ask(b)).events).toEqual(['opened a-1', 'lost a restarted', 'opened a-1']);
  expect((await ask(c)).events).toEqual(['opened a-1']);
});

it('a peer that is killed and started again › is another life, with a link of its own', async () => {
  const { directory, a, b, c, say, said, lost, has } = await scene();
  const end = once(b, 'exit');
  say('b', 500);
  b.kill('SIGKILL');
  say('b', 5_000);
  await end;
  say('c', 500);
  await has(c, said.c);
  const next = await spawn(directory, 'b', 'b-2');
  await vi.waitFor(() => expect(a.heard).toContain('opened b-2'));
  expect(lost()).toEqual(['lost b restarted']);
  said.b = 0;
  say('b', 100);
  await has(next, 100);
  expect((await ask(next)).events).toEqual(['opened a-1']);
  expect((await ask(c)).events).toEqual(['opened a-1']);
});
