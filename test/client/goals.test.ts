import { expect, test } from 'vitest';
import { RealBroker, rejection } from './real-broker.ts';

test('host.goals › stand for a session, and a chat that names none goes by them', async () => {
  const real = await RealBroker.start();
  const asked: unknown[] = [];
  await real.agent(async (turn) => {
    asked.push(turn.params.goal);
    turn.event({ kind: 'goal_evaluated', iteration: 1, met: true, grounded: true, reason: 'so' });
  });
  const host = await real.host();
  expect(await host.goals.get('s')).toBeUndefined();
  const goal = await host.goals.set('s', { check: 'npm test', maxIterations: 3 });
  expect(goal).toMatchObject({ session_id: 's', check: 'npm test', max_iterations: 3, status: 'active' });
  await host.chat('echo', 'hi', { sessionId: 's' }).text();
  expect(asked).toEqual([{ check: 'npm test', max_iterations: 3 }]);
  expect(await host.goals.get('s')).toMatchObject({ status: 'met', last_reason: 'so' });
  expect(await host.goals.list()).toHaveLength(1);
  expect(await host.goals.clear('s')).toBe(true);
  expect(await host.goals.clear('s')).toBe(false);
  await host.goals.set('t', { check: 'make' });
  expect(await host.goals.clearAll()).toBe(1);
  expect(await rejection(host.goals.set('s', { check: 'x', max_iterations: 1 } as never))).toBeInstanceOf(TypeError);
});
