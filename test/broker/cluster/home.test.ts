import { afterEach, describe, expect, test, vi } from 'vitest';
import { SharedDirectory } from '../../../cluster/shared-directory.ts';
import { arrive, enter, type Member, startCluster } from './support/brokers.ts';

/* Which broker keeps what there is once, and brokers that are told of another one. */

let cluster: Awaited<ReturnType<typeof startCluster>>;

afterEach(() => cluster.end());

/** What a broker logs that people should see, as lines. */
function heard() {
  const lines: string[] = [];
  const line = (told: object, words: string) => void lines.push(`${words} ${JSON.stringify(told)}`);
  return { lines, log: { debug() {}, info() {}, warn: line, error: line } };
}

async function two(): Promise<[Member, Member, string]> {
  cluster = await startCluster(['a', 'b']);
  const [a, b] = cluster.members as [Member, Member];
  const { token = '' } = a.broker.upsertAgent({ id: 'bot' });
  await arrive();
  return [a, b, token];
}

describe('a broker that is started as the home of a cluster which has one', () => {
  test('does not start, says how it would, and removes nothing', async () => {
    const [a, , token] = await two();
    const { lines, log } = heard();
    vi.spyOn(SharedDirectory.prototype, 'close').mockRejectedValueOnce(new Error('not now'));
    const other = await cluster.start('c', { cluster: { home: 'c' }, log });
    await expect(other.broker.listen({ port: 0 })).rejects.toThrow(
      /home of this cluster is broker a, .* --cluster-home a, or --cluster-home-was a /,
    );
    await arrive();
    expect(lines).toContainEqual(expect.stringContaining('what all brokers know together could not be left'));
    await cluster.close(a);
    const late = await cluster.start('d');
    await arrive();
    await enter(late, { agent_id: 'bot', token });
  });

  test('takes that place where it is told so, and the one that was home says that it is no more', async () => {
    const old = heard();
    cluster = await startCluster(['a'], { log: old.log });
    const [a] = cluster.members as [Member];
    a.broker.upsertAgent({ id: 'bot' });
    await arrive();
    const empty = heard();
    const c = await cluster.start('c', { cluster: { home: 'c', homeBefore: 'a' }, log: empty.log });
    await arrive();
    expect(empty.lines).toContainEqual(expect.stringMatching(/keeps no agent and no key.*"known":1/));
    const { token } = c.broker.upsertAgent({ id: 'new' });
    await arrive();
    expect(old.lines).toContainEqual(expect.stringMatching(/another broker is the home.*"home":"c"/));
    const late = a.broker.upsertAgent({ id: 'late' });
    await arrive();
    await cluster.close(c);
    const d = await cluster.start('d', { cluster: { home: 'c' } });
    await arrive();
    await enter(d, { agent_id: 'new', token });
    await expect(enter(d, { agent_id: 'late', token: late.token })).rejects.toThrow('refused');
  });
});

describe('brokers that were not started alike say so, once', () => {
  /** Two brokers, the second of them with other options; and what each has logged by then. */
  async function started(options: Parameters<typeof cluster.start>[1], seconds: number) {
    const [one, other] = [heard(), heard()];
    cluster = await startCluster(['a'], { log: one.log });
    await cluster.start('b', { ...options, log: other.log });
    await arrive();
    await cluster.pass(seconds);
    // Another link with the same broker.
    cluster.net.silent.add('b');
    await cluster.pass(6);
    cluster.net.silent.delete('b');
    await cluster.pass(3);
    const said = (about: RegExp) => [one, other].map(({ lines }) => lines.filter((line) => about.test(line)).length);
    return { said };
  }

  test('with other tokens, which are in no line', async () => {
    const { said } = await started({ tokens: { daemon: 'the-daemon-token', host: 'other-host-token' } }, 1);
    expect(said(/other tokens/)).toEqual([1, 1]);
    expect(said(/another home|not heard of|-token/)).toEqual([0, 0]);
  });

  test('with another home, which nobody is', async () => {
    const { said } = await started({ cluster: { home: 'typo' } }, 20);
    expect(said(/given another home.*"home":"a","its_home":"typo"/)).toEqual([1, 0]);
    expect(said(/given another home.*"home":"typo","its_home":"a"/)).toEqual([0, 1]);
    expect(said(/home of this cluster is another broker.*"broker":"a","home":"typo"/)).toEqual([0, 1]);
    expect(said(/home broker was not heard of so far.*"broker":"typo"/)).toEqual([0, 1]);
    expect(said(/other tokens/)).toEqual([0, 0]);
  });

  test('of another version', async () => {
    const { said } = await started({ cluster: { version: '99.0.0' } }, 1);
    expect(said(/of another version.*"broker":"b".*"its_version":"99.0.0"/)).toEqual([1, 0]);
    expect(said(/of another version.*"broker":"a","version":"99.0.0"/)).toEqual([0, 1]);
  });

  test('and nothing where they were', async () => {
    const { said } = await started({}, 20);
    expect(said(/other tokens|--cluster-home|another version/)).toEqual([0, 0]);
  });
});
