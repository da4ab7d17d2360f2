import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { natsBroker, newCluster, optionsOf } from '../nats/support/brokers.ts';
import { describeNats, natsServers } from '../support/nats-servers.ts';
import { own } from './support/cleanup.ts';

/* Links over NATS between processes that are stopped and killed. */

interface Said {
  events: string[];
  counts: Record<string, number>;
}

const PROGRAM = fileURLToPath(new URL('support/nats-broker.js', import.meta.url));

async function spawn(server: string, cluster: string, id: string, epoch: string): Promise<ChildProcess> {
  const child = fork(PROGRAM, [server, cluster, id, epoch], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  own(() => {
    // One that is stopped is killed all the same.
    child.kill('SIGKILL');
  });
  await once(child, 'message');
  return child;
}

async function ask(child: ChildProcess): Promise<Said> {
  child.send('?');
  const [{ events, counts }] = (await once(child, 'message')) as [Said];
  // They have a link with each other, too.
  return { events: events.filter((event) => / a(-life)?\b/.test(event)), counts };
}

describeNats('over NATS', () => {
  /** Broker a in this process, b and c in processes of their own. */
  async function scene() {
    const servers = await natsServers(1, { jetStream: false });
    const url = servers[0]?.url ?? '';
    const cluster = newCluster();
    const b = await spawn(url, cluster, 'b', 'b-1');
    const c = await spawn(url, cluster, 'c', 'c-1');
    const a = await natsBroker(optionsOf(servers, cluster, 'a', { self: { id: 'a', epoch: 'a-life' } }));
    await vi.waitFor(() => expect(a.heard).toEqual(expect.arrayContaining(['opened b-1', 'opened c-1'])));
    const said = { b: 0, c: 0 };
    const say = (peer: 'b' | 'c', count: number, size = 100) => {
      for (let n = 0; n < count; n += 1) {
        if (a.say(peer, `${said[peer] + 1} `.padEnd(size, 'x'))) said[peer] += 1;
      }
    };
    const lost = () => a.heard.filter((line) => line.startsWith('lost'));
    const has = (child: ChildProcess, count: number) =>
      vi.waitFor(async () => expect((await ask(child)).counts.a).toBe(count), { interval: 50 });
    return { url, cluster, a, b, c, said, say, lost, has };
  }

  it('a peer that is stopped › keeps nobody else waiting, is lost alone when too much waits, and is back when it goes on', async () => {
    const { a, b, c, said, say, lost, has } = await scene();
    b.kill('SIGSTOP');
    say('b', 20_000);
    for (let round = 1; round <= 10; round += 1) {
      say('c', 1_000);
      await has(c, said.c);
    }
    expect([a.peers.link('b')?.isOpen, lost()]).toEqual([true, []]);
    b.kill('SIGCONT');
    await has(b, said.b);
    expect((await ask(b)).events).toEqual(['opened a-life']);
    b.kill('SIGSTOP');
    while (lost().length === 0 && said.b < 60_000) {
      say('b', 100, 1_024);
      say('c', 10);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(lost()).toEqual(['lost b overrun']);
    await has(c, said.c);
    b.kill('SIGCONT');
    await vi.waitFor(() => expect(a.peers.link('b')?.isOpen).toBe(true));
    said.b = 0;
    say('b', 100);
    await has(b, 100);
    expect((await ask(b)).events).toEqual(['opened a-life', 'lost a restarted', 'opened a-life']);
    expect((await ask(c)).events).toEqual(['opened a-life']);
  });

  it('a peer that is killed and started again › is another life, with a link of its own', async () => {
    const { url, cluster, a, b, c, said, say, lost, has } = await scene();
    const end = once(b, 'exit');
    say('b', 500);
    b.kill('SIGKILL');
    say('b', 5_000);
    await end;
    say('c', 500);
    await has(c, said.c);
    const next = await spawn(url, cluster, 'b', 'b-2');
    await vi.waitFor(() => expect(a.heard).toContain('opened b-2'));
    expect(lost()).toEqual(['lost b restarted']);
    said.b = 0;
    say('b', 100);
    await has(next, 100);
    expect((await ask(c)).events).toEqual(['opened a-life']);
  });
});
