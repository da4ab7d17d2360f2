import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentRow } from '../../../protocol/agents.ts';
import { inspectTurnResult, inspectTurnsResult } from '../../../protocol/recording.ts';
import { statusResult } from '../../../protocol/status.ts';
import { TestIo } from '../../cli/test-io.ts';
import type { LinkedClient, Message } from '../../support/linked.ts';
import { accepting, arrive, ask, type Member, startCluster } from './support/brokers.ts';

/* Which broker what is listed is at. One cluster for all: nothing is changed in it. */

let cluster: Awaited<ReturnType<typeof startCluster>>;
let a: Member;
let b: Member;
let manager: LinkedClient;
let turnId: string;
let url: string;

beforeAll(async () => {
  cluster = await startCluster(['a', 'b'], { record: true, inspect: true });
  [a, b] = cluster.members as [Member, Member];
  const agent = await b.agent('bot');
  await a.agent('near');
  await arrive();
  const host = await a.host();
  host.post('agents.chat', { agent_id: 'bot', prompt: 'from afar', session_id: 's' });
  ({ turn_id: turnId } = await accepting(agent));
  await host.ok('host.request_approval', { action: 'here' });
  await b.host().then((other) => other.ok('host.request_approval', { action: 'there' }));
  // Twice a second each tells the others how it is.
  await cluster.pass(1);
  manager = await a.manager();
  ({ url = '' } = await a.broker.listen({ port: 0 }));
});
afterAll(() => cluster.end());

const result = async (method: string, params: object = {}): Promise<Message> =>
  (await ask(manager, method, params)).result;

describe('a row of several brokers’ › says where it is', () => {
  test('agents', async () => {
    const rows = await result('agents.list');
    agentRow.array().parse(rows);
    const at = (all: Message[], id: string) => all.find((one) => (one.spec?.id ?? one.id) === id)?.broker;
    expect([at(rows, 'bot'), at(rows, 'near')]).toEqual(['b', 'a']);
    const seen = await result('host.agents');
    expect([at(seen, 'bot'), at(seen, 'near')]).toEqual(['b', 'a']);
  });

  test('approvals, also in a snapshot', async () => {
    const at = (rows: Message[]) => Object.fromEntries(rows.map(({ action, broker }) => [action, broker]));
    expect(at((await result('host.approvals')).approvals)).toMatchObject({ here: 'a', there: 'b' });
    await manager.ok('session.init', {});
    await manager.ok('server.handshake', { protocol_version: 3 });
    const snapshot = (await ask(manager, 'host.subscribe')).result;
    expect(at(snapshot.approvals)).toMatchObject({ here: 'a', there: 'b' });
  });

  test('turns, live and recorded', async () => {
    expect((await result('agents.chat.sessions')).sessions).toMatchObject([{ turn_id: turnId, broker: 'b' }]);
    const { turns } = inspectTurnsResult.parse(await result('inspect.turns'));
    expect(turns).toMatchObject([{ turn_id: turnId, broker: 'b' }]);
    expect(inspectTurnResult.parse(await result('inspect.turn', { turn_id: turnId })).turn.broker).toBe('b');
  });
});

describe('broker.status › of a cluster', () => {
  test('it says which broker answers, and any other’s is asked for by its name', async () => {
    const own = statusResult.parse(await result('broker.status'));
    expect(own.cluster).toMatchObject({
      id: 'a',
      home: 'a',
      turns: 0,
      brokers: [{ id: 'b', status: 'alive', turns: 1 }],
    });
    const other = statusResult.parse(await result('broker.status', { broker: 'b' }));
    expect(other.cluster).toMatchObject({ id: 'b', turns: 1, brokers: [{ id: 'a' }] });
    expect((await result('broker.status', { broker: 'a' })).cluster.id).toBe('a');
    // Who stands there for a connection of another broker is counted where that is, and nowhere else.
    expect(other.connections.rows.map(({ via }) => via)).not.toContain('peer');
    expect(other.connections.total).toBe(other.connections.rows.length);
  });

  test('one that there is not › -32014; and so where there is one broker alone', async () => {
    expect((await ask(manager, 'broker.status', { broker: 'nobody' })).error).toMatchObject({ code: -32014 });
  });
});

describe('the command line › of a cluster', () => {
  const run = async (...argv: string[]) => {
    const io = new TestIo({
      SWITCHBOARD_URL: url,
      SWITCHBOARD_HOST_TOKEN: a.broker.tokens.host,
      SWITCHBOARD_AUTH_TOKEN: a.broker.tokens.daemon,
    });
    expect(await io.run(...argv)).toBe(0);
    return io.out;
  };

  test('switchboard status › the broker that answers, then the others', async () => {
    const out = await run('status');
    expect(out).toMatch(/^state +accepting$/m);
    expect(out).toMatch(/^BROKER +ROLE +STATUS +LINK +TURNS +LOAD +ADDRESSES$/m);
    expect(out).toMatch(/^a +home, answers +alive +- +0 /m);
    expect(out).toMatch(/^b +- +alive +open +1 /m);
    expect(await run('status', '--broker', 'b')).toMatch(/^b +answers +alive/m);
  });

  test('lists › have a column for it', async () => {
    expect(await run('agents')).toMatch(/^ID +NAME +ATTACHED +BROKER +TURNS[\s\S]*^bot +bot +yes +b /m);
    expect(await run('turns')).toMatch(/^TURN +STARTED +AGENT +BROKER[\s\S]* bot +b +streaming/m);
    expect(await run('turn', turnId)).toMatch(/^broker {2}b$/m);
    expect(await run('approvals')).toMatch(/^ID +STATUS +AGENT +BROKER/m);
  });
});

describe('broker.status › of a broker that was there', () => {
  test('it cannot be reached › -32011, with its name', async () => {
    cluster.net.silent.add('b');
    await cluster.pass(15);
    const { error } = await ask(manager, 'broker.status', { broker: 'b' });
    expect(error).toMatchObject({ code: -32011, data: { reason: 'cluster', broker: 'b' } });
    cluster.net.silent.delete('b');
    await cluster.pass(10);
    expect((await result('broker.status', { broker: 'b' })).cluster.id).toBe('b');
  });
});
