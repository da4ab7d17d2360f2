import { describe, expect, it, test } from 'vitest';
import type { GoalRecord, GoalStore } from '../../../broker.ts';
import { type LinkedClient, openChat, settle, startLinked } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';

/* Goals that stand for sessions (`wire.md` section 6). */

const GOAL = { check: 'npm test', max_iterations: 3 };

async function stage(options: Parameters<typeof startLinked>[0] = {}) {
  const linked = startLinked(options);
  const host = await linked.host();
  const agent = await linked.agent('bot');
  const chat = (params: object = {}) => openChat(host, agent, { agent_id: 'bot', session_id: 's', ...params });
  const status = async () => (await host.ok('goal.status', { session_id: 's' })).goal;
  /** What the agent says in its turn, last of all how it ends. */
  const says = async (...events: object[]) => {
    for (const event of events) agent.emit('s', event);
    await settle();
  };
  return { ...linked, host, agent, chat, status, says };
}

const evaluated = (iteration: number, met: boolean) => ({
  kind: 'goal_evaluated',
  iteration,
  met,
  grounded: true,
  reason: met ? 'all pass' : 'two fail',
});
const done = { kind: 'done', finish_reason: 'stop' };

/** A store whose saves a test can look at, and have fail. */
function keptStore(kept: GoalRecord[] = []) {
  const saved: GoalRecord[][] = [];
  const store: GoalStore & { fails: boolean } = {
    fails: false,
    load: () => kept,
    save: async (records) => {
      if (store.fails) throw new Error('the disk is full');
      saved.push(structuredClone([...records]));
    },
  };
  return { store, saved };
}

describe('goal.set', () => {
  it('has a goal stand, which is trimmed, clamped, and told of again', async () => {
    const { host, status, broker } = await stage();
    const { set, goal } = await host.ok('goal.set', {
      session_id: 's',
      goal: { check: ' npm test\n', max_iterations: 99 },
    });
    expect(set).toBe(true);
    expect(goal).toEqual({
      session_id: 's',
      check: 'npm test',
      max_iterations: 50,
      status: 'active',
      updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    expect(await status()).toEqual(goal);
    expect(await host.ok('goal.status')).toEqual({ goals: [goal] });
    expect(await readMetric(broker, 'goals')).toEqual({ '': 1 });
  });

  it('takes check and max_iterations by themselves, and nulls for what is not there', async () => {
    const { host } = await stage();
    const { goal } = await host.ok('goal.set', { session_id: 's', goal: null, check: 'make', max_iterations: null });
    expect(goal).toMatchObject({ check: 'make', max_iterations: 8 });
    const both = await host.ok('goal.set', { session_id: 's', goal: { check: 'first' }, check: 'second' });
    expect(both.goal).toMatchObject({ check: 'first' });
  });

  test.each([
    ['nothing', {}, 'goal'],
    ['an empty check', { check: '  ' }, 'check'],
    ['a check that is too long', { goal: { check: 'x'.repeat(16_385) } }, 'goal.check'],
    ['no number of tries', { check: 'make', max_iterations: 'many' }, 'max_iterations'],
    ['no session', { session_id: null, check: 'make' }, 'session_id'],
  ])('refuses %s', async (_what, params, path) => {
    const { host } = await stage();
    const { error } = await host.call('goal.set', { session_id: 's', ...params });
    expect(error).toMatchObject({ code: -32602, data: { issues: [{ path }] } });
  });

  test.each([
    ['goals', { maxGoals: 2 }, 'max_goals'],
    ['bytes', { maxGoalBytes: 5_000 }, 'max_goal_bytes'],
    ['one principal’s goals', { maxPrincipalGoals: 2 }, 'max_principal_goals'],
    ['one principal’s bytes', { maxPrincipalGoalBytes: 5_000 }, 'max_principal_goal_bytes'],
  ])('has an end of %s, which one in place of another does not reach', async (_what, limits, name) => {
    const { host } = await stage({ limits });
    for (const session_id of ['a', 'b']) await host.ok('goal.set', { session_id, ...GOAL });
    const { error } = await host.call('goal.set', { session_id: 'c', ...GOAL });
    expect(error).toMatchObject({ code: -32020, data: { limit: { name } } });
    await host.ok('goal.set', { session_id: 'b', ...GOAL });
    await host.ok('goal.clear', { session_id: 'a' });
    await host.ok('goal.set', { session_id: 'c', ...GOAL });
  });

  it('when it cannot be kept › fails, and nothing has changed', async () => {
    const { store } = keptStore();
    const { host, status } = await stage({ goalStore: store });
    await host.ok('goal.set', { session_id: 's', ...GOAL });
    store.fails = true;
    expect(await host.call('goal.set', { session_id: 's', check: 'another' })).toMatchObject({
      error: { code: -32603 },
    });
    expect(await host.call('goal.clear', { session_id: 's' })).toMatchObject({ error: { code: -32603 } });
    expect(await status()).toMatchObject(GOAL);
  });
});

describe('a chat in a session with a standing goal', () => {
  it('that names none › goes by that one', async () => {
    const { host, agent, chat } = await stage();
    await host.ok('goal.set', { session_id: 's', ...GOAL });
    await chat();
    expect(agent.lastChat().params.goal).toEqual(GOAL);
  });

  it('that names its own › goes by its own, and the standing one does not change', async () => {
    const { host, agent, chat, says, status } = await stage();
    await host.ok('goal.set', { session_id: 's', ...GOAL });
    await chat({ goal: { check: 'make' } });
    expect(agent.lastChat().params.goal).toEqual({ check: 'make', max_iterations: 8 });
    await says(evaluated(1, true), done);
    expect(await status()).toMatchObject({ status: 'active' });
    expect(await status()).not.toHaveProperty('last_met');
  });

  it('in another session, or once it is cleared › has none', async () => {
    const { host, agent, chat, says } = await stage();
    await host.ok('goal.set', { session_id: 's', ...GOAL });
    await openChat(host, agent, { agent_id: 'bot', session_id: 'other' });
    expect(agent.lastChat().params).not.toHaveProperty('goal');
    expect(await host.ok('goal.clear', { session_id: 's' })).toEqual({ cleared: true, session_id: 's' });
    await chat();
    expect(agent.lastChat().params).not.toHaveProperty('goal');
    await says(done);
  });

  it('that waited in the queue › goes by what stands when it starts', async () => {
    const { host, agent, chat, says } = await stage();
    await chat();
    host.post('agents.chat', { agent_id: 'bot', session_id: 's', prompt: 'next', on_busy: 'queue' });
    await host.ok('goal.set', { session_id: 's', ...GOAL });
    await says(done);
    expect(agent.lastChat().params).toMatchObject({ prompt: 'next', goal: GOAL });
  });
});

describe('what becomes of a standing goal', () => {
  test.each<[what: string, events: object[], becomes: object]>([
    [
      'is met',
      [evaluated(1, false), evaluated(2, true), done],
      {
        status: 'met',
        last_iteration: 2,
        last_met: true,
        last_grounded: true,
        last_reason: 'all pass',
        terminal_kind: 'done',
        terminal_message: 'stop',
      },
    ],
    [
      'is not met',
      [evaluated(1, false), { kind: 'error', error: 'no progress' }],
      {
        status: 'error',
        last_met: false,
        last_reason: 'two fail',
        terminal_kind: 'error',
        terminal_message: 'no progress',
      },
    ],
    ['is called done, and is not met', [evaluated(3, false), done], { status: 'error', terminal_kind: 'done' }],
    ['never was evaluated', [done], { status: 'unevaluated', terminal_message: 'stop' }],
    [
      'could not be evaluated',
      [{ ...done, finish_reason: 'goal check stalled', goal_unevaluated: true }],
      { status: 'unevaluated', terminal_message: 'goal check stalled' },
    ],
    [
      'could not be evaluated in the end',
      [evaluated(1, false), { ...done, goal_unevaluated: true }],
      { status: 'unevaluated' },
    ],
    [
      'needs somebody to sign in',
      [{ kind: 'auth_required', reason: 'expired', message: 'sign in again' }],
      { status: 'error', terminal_kind: 'auth_required', terminal_message: 'sign in again' },
    ],
    ['has much to say', [{ kind: 'error', error: 'x'.repeat(9_000) }], { terminal_message: 'x'.repeat(500) }],
  ])('that %s', async (_what, events, becomes) => {
    const { host, chat, says, status } = await stage();
    await host.ok('goal.set', { session_id: 's', ...GOAL });
    await chat();
    expect(await status()).toMatchObject({ status: 'running' });
    await says(...events);
    expect(await status()).toMatchObject({ ...GOAL, ...becomes });
  });

  it('when the next turn begins › runs again, with what the verifier said last', async () => {
    const { host, chat, says, status } = await stage();
    await host.ok('goal.set', { session_id: 's', ...GOAL });
    await chat();
    await says(evaluated(1, false), { kind: 'error', error: 'no' });
    await chat();
    const now = await status();
    expect(now).toMatchObject({ status: 'running', last_reason: 'two fail' });
    expect(now).not.toHaveProperty('terminal_kind');
  });

  it('when the turn is cancelled, or its agent goes › is in error', async () => {
    const { host, agent, chat, status } = await stage();
    await host.ok('goal.set', { session_id: 's', ...GOAL });
    await chat();
    await host.ok('agents.chat.cancel', { session_id: 's' });
    expect(await status()).toMatchObject({ status: 'error', terminal_kind: 'done', terminal_message: 'cancelled' });
    await chat();
    agent.close();
    await settle();
    expect(await status()).toMatchObject({ status: 'error', terminal_message: 'the agent disconnected' });
  });

  it('when its host goes, or the agent does not take the turn › stands, and does not run', async () => {
    const { host, agent, chat, connect, broker } = await stage();
    await host.ok('goal.set', { session_id: 's', ...GOAL });
    await chat();
    host.close();
    await settle();
    const again = connect();
    await again.ok('session.auth', { token: broker.tokens.daemon });
    const status = async () => (await again.ok('goal.status', { session_id: 's' })).goal.status;
    expect(await status()).toBe('active');
    const id = again.post('agents.chat', { agent_id: 'bot', session_id: 's', prompt: 'hi' });
    await settle();
    agent.send({ jsonrpc: '2.0', id: agent.lastChat().id, error: { code: 1, message: 'no' } });
    await settle();
    expect(again.replyTo(id).error.code).toBe(-32012);
    expect(await status()).toBe('active');
  });

  it('when it is set anew meanwhile › is not what the turn says of the old one', async () => {
    const { host, chat, says, status } = await stage();
    await host.ok('goal.set', { session_id: 's', ...GOAL });
    await chat();
    await host.ok('goal.set', { session_id: 's', check: 'another' });
    await says(evaluated(1, true), done);
    expect(await status()).toMatchObject({ check: 'another', status: 'active' });
  });

  it('is kept a second later, however often it changes', async () => {
    const { store, saved } = keptStore();
    const { host, chat, says, advance } = await stage({ goalStore: store });
    await host.ok('goal.set', { session_id: 's', ...GOAL });
    await chat();
    for (let n = 1; n <= 20; n += 1) await says(evaluated(n, false));
    expect(saved).toHaveLength(1);
    await advance(1_100);
    expect(saved).toHaveLength(2);
    expect(saved[1]).toMatchObject([{ tenant: 'default', sub: 'local', session_id: 's', last_iteration: 20 }]);
  });

  it('when the broker stops › is kept before it has', async () => {
    const { store, saved } = keptStore();
    const { host, chat, says, broker } = await stage({ goalStore: store });
    await host.ok('goal.set', { session_id: 's', ...GOAL });
    await chat();
    await says(evaluated(1, true), done);
    await broker.close();
    expect(saved.at(-1)).toMatchObject([{ status: 'met' }]);
  });

  it('when it ran as the broker went › stands when that is back, and says what it knew', async () => {
    const record = {
      tenant: 'default',
      sub: 'local',
      session_id: 's',
      ...GOAL,
      updated_at: '2030-01-01T00:00:00.000Z',
    };
    const { store } = keptStore([{ ...record, status: 'running', last_iteration: 2, last_met: false }]);
    const { status } = await stage({ goalStore: store });
    expect(await status()).toMatchObject({ status: 'active', last_iteration: 2, last_met: false });
  });
});

test('goal.clear › without a session › clears all of one’s own, and nobody else’s', async () => {
  const linked = startLinked();
  const host = await linked.host();
  const agent: LinkedClient = await linked.agent('bot');
  for (const client of [host, agent])
    for (const session_id of ['a', 'b']) await client.ok('goal.set', { session_id, ...GOAL });
  expect(await host.ok('goal.clear')).toEqual({ cleared: 2 });
  expect(await host.ok('goal.clear')).toEqual({ cleared: 0 });
  expect(await host.ok('goal.clear', { session_id: 'a' })).toEqual({ cleared: false, session_id: 'a' });
  expect((await agent.ok('goal.status')).goals).toHaveLength(2);
  expect(await host.ok('goal.status', { session_id: 'a' })).toEqual({ session_id: 'a', goal: null });
});
