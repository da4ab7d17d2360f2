import { afterEach, expect, test, vi } from 'vitest';
import { SimulatedClock } from 'xstate';
import { createBroker } from '../../../broker.ts';
import { isObject } from '../../../protocol/json.ts';
import { clientsOf, openChat, settle } from '../../support/linked.ts';

/** A clock that is set; or a machine that has slept. */
const DAY_MS = 86_400_000;
/** All that a test does is done within it. */
const WHILE_MS = 60_000;

afterEach(() => vi.restoreAllMocks());

function setWallClock(by: number): void {
  const { now } = Date;
  vi.spyOn(Date, 'now').mockImplementation(() => now() + by);
}

/** The moments that are told in an answer, with where they stand, in Unix milliseconds. */
function* momentsIn(value: unknown, path = ''): Generator<[path: string, at: number]> {
  if (Array.isArray(value)) for (const [at, item] of value.entries()) yield* momentsIn(item, `${path}/${at}`);
  else if (isObject(value)) for (const key in value) yield* momentsIn(value[key], `${path}/${key}`);
  else if (!/(^|[/_])(at|since|timestamp)$/.test(path)) return;
  else if (typeof value === 'string') yield [path, Date.parse(value)];
  // Sessions have Unix seconds.
  else if (typeof value === 'number' && value > 0) yield [path, value < 1e11 ? value * 1_000 : value];
}

test.each([DAY_MS, -DAY_MS])(
  'the wall clock jumps by %d ms › then every moment that is told is told by it',
  async (by) => {
    const broker = createBroker({ record: true, inspect: true });
    const people = clientsOf(broker, new SimulatedClock());
    const [host, manager, agent] = [await people.host(), await people.manager(), await people.agent('echo')];
    await host.ok('host.request_approval', { action: 'early' });

    setWallClock(by);
    await openChat(host, agent, { agent_id: 'echo', session_id: 'late' });
    agent.emit('late', { kind: 'token', delta: 'x' });
    agent.emit('late', { kind: 'approval_pending', approval_id: 'a', action: 'rm' });
    agent.emit('late', { kind: 'done', finish_reason: 'stop' });
    manager.post('keys.add', { name: 'key', expires_in_ms: 10_000 });
    await host.ok('host.register_agent', { id: 'row', name: 'row', kind: 'k' });
    await host.ok('host.request_approval', { action: 'late' });
    await host.ok('memory.add_fact', { subject: 'a', body: 'b' });
    await host.ok('goal.set', { session_id: 'g', goal: null, check: 'make', max_iterations: null });
    await settle();

    const { turns } = await manager.ok('inspect.turns', {});
    const told = {
      approvals: await manager.ok('host.approvals', {}),
      agents: await host.ok('host.agents', {}),
      status: await manager.ok('broker.status', { connections: 10 }),
      charts: await manager.ok('inspect.subscribe', {}),
      turn: await manager.ok('inspect.turn', {
        turn_id: turns.find((turn: { session_id: string }) => turn.session_id === 'late').turn_id,
      }),
      goal: await host.ok('goal.status', { session_id: 'g' }),
      facts: await host.ok('memory.query', { query: 'b' }),
    };
    const moments = [...momentsIn(told)];
    const off = moments.filter(([, at]) => !(Math.abs(at - Date.now()) < WHILE_MS));
    expect(off).toEqual([]);
    expect(moments.length).toBeGreaterThan(20);
    await broker.close();
  },
);
