import { afterEach, describe, expect, test, vi } from 'vitest';
import { SharedDirectory } from '../../../cluster/shared-directory.ts';
import type { LinkedClient } from '../../support/linked.ts';
import { accepting, arrive, type Member, startCluster } from './support/brokers.ts';

/* cluster.md, 2.5: two live turns in one session of which neither broker knew. */

let cluster: Awaited<ReturnType<typeof startCluster>>;

afterEach(() => cluster.end());

/** Two brokers, an agent at each, and a host at each. */
async function scene() {
  cluster = await startCluster(['a', 'b'], { auth: false });
  const [a, b] = cluster.members as [Member, Member];
  const at = async (member: Member, id: string) => {
    const agent = member.connect();
    await agent.ok('session.auth', { agent_id: id, token: '', resume: true });
    return { agent, host: member.connect(), id };
  };
  return { a: await at(a, 'north'), b: await at(b, 'south') };
}

/** Opens a chat in the session that both want. */
async function open({ agent, host, id }: { agent: LinkedClient; host: LinkedClient; id: string }) {
  const asked = host.post('agents.chat', { agent_id: id, prompt: 'hi', session_id: 's', resume_window_ms: 60_000 });
  // As long as it takes until a claim counts as not to be had.
  for (let n = 0; n < 4; n += 1) {
    await arrive();
    cluster.clock.increment(60);
  }
  const { turn_id } = await accepting(agent);
  expect(host.replyTo(asked).result).toMatchObject({ accepted: true });
  return turn_id;
}

const kinds = (host: LinkedClient) => host.events('s').map(({ kind, code }) => [kind, code]);

describe('two live turns in one session', () => {
  test('that began while the brokers could not hear of each other › the older goes on, the younger ends, when they can', async () => {
    const { a, b } = await scene();
    cluster.net.away(true);
    await cluster.pass(15);
    const claiming = vi.spyOn(SharedDirectory.prototype, 'claim').mockRejectedValue(new Error('nobody can be asked'));
    const older = await open(a);
    const younger = await open(b);
    expect(younger > older).toBe(true);
    claiming.mockRestore();
    cluster.net.away(false);
    await cluster.pass(3);
    expect(kinds(b.host)).toEqual([['error', 'session_conflict']]);
    expect(b.agent.received('agent.chat.cancel').map(({ params }) => params)).toMatchObject([
      { turn_id: younger, reason: 'replaced' },
    ]);
    expect(a.agent.received('agent.chat.cancel')).toEqual([]);
    a.agent.emit('s', { kind: 'done', text: '', turn_id: older, aseq: 1 });
    await arrive();
    expect(kinds(a.host)).toEqual([['done', undefined]]);
  });

  test.each([
    ['neither of which has claimed it', false],
    ['which the younger one’s broker has had since it took the other for dead', true],
  ])('%s, one without its agent when they can › the younger ends when that is there again', async (_what, isTaken) => {
    const { a, b } = await scene();
    const claiming = vi.spyOn(SharedDirectory.prototype, 'claim');
    if (!isTaken) claiming.mockRejectedValue(new Error('nobody can be asked'));
    const older = await open(a);
    // So long that the other broker has surely heard of it.
    if (isTaken) await cluster.pass(30);
    if (isTaken) cluster.net.silent.add('a');
    else cluster.net.away(true);
    await cluster.pass(15);
    const younger = await open(b);
    claiming.mockRestore();
    b.agent.cut();
    await arrive();
    cluster.net.silent.clear();
    cluster.net.away(false);
    await cluster.pass(3);
    expect(kinds(b.host).filter(([kind]) => kind !== 'agent_away')).toEqual([]);
    const [, at] = cluster.members as [Member, Member];
    const again = at.connect();
    await again.ok('session.auth', { agent_id: 'south', token: '', resume: true });
    again.post('agent.resume', { turns: [{ turn_id: younger, session_id: 's', next: 1, kept_from: 1 }] });
    await cluster.pass(3);
    expect(kinds(b.host).at(-1)).toEqual(['error', 'session_conflict']);
    a.agent.emit('s', { kind: 'done', text: '', turn_id: older, aseq: 1 });
    await arrive();
    expect(kinds(a.host)).toEqual([['done', undefined]]);
  });
});
