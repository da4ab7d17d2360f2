import { describe, expect, test } from 'vitest';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { MACHINES } from '../../../docs/render.ts';
import { inspectSubscribeResult, type StateDefinition } from '../../../protocol/inspect.ts';
import { type Message, openChat, settle, startLinked } from '../../support/linked.ts';
import { callsOf } from '../../support/tool-scene.ts';
import { actorIn, ofActor, recordsOf, tick } from './inspect-support.ts';

/** A watcher, a host and the agent `echo`. */
async function startWatched() {
  const linked = startLinked({ inspect: true, approvals: { methods: ['tools.execute:gated'] } });
  const watcher = await linked.manager();
  const host = await linked.host();
  const agent = await linked.agent('echo');
  return { linked, watcher, host, agent, ...callsOf(host, agent) };
}

/** Where a turn stands whose host is there. */
const STREAMING = ['live.host.here', 'live.agent.here', 'live.work.streaming'];
const PARKED = ['live.host.here', 'live.agent.here', 'live.work.parked'];

describe('inspect.subscribe › when it is not for this client', () => {
  test('the broker was started without inspect › then -32601, and broker.status says so', async () => {
    const manager = await startLinked().manager();
    expect((await manager.call('inspect.subscribe')).error.code).toBe(-32601);
    expect((await manager.call('inspect.unsubscribe')).error.code).toBe(-32601);
    expect((await manager.ok('broker.status')).inspect).toBe(false);
  });

  test('it has not the host role › then -32601', async () => {
    const { host, agent, watcher } = await startWatched();
    for (const client of [host, agent]) {
      expect((await client.call('inspect.subscribe')).error.code).toBe(-32601);
      expect((await client.call('inspect.unsubscribe')).error.code).toBe(-32601);
    }
    expect((await watcher.ok('broker.status')).inspect).toBe(true);
  });

  test('as many watch as may › then -32020, and there is room again when one has left', async () => {
    const linked = startLinked({ inspect: true, limits: { maxInspectWatchers: 1 } });
    const [one, other] = [await linked.manager(), await linked.manager()];
    await one.ok('inspect.subscribe');
    await one.ok('inspect.subscribe');
    expect((await other.call('inspect.subscribe')).error).toMatchObject({
      code: -32020,
      data: { limit: { name: 'max_inspect_watchers', value: 1 } },
    });
    one.close();
    await settle();
    await other.ok('inspect.subscribe');
  });
});

describe('inspect.subscribe › when somebody subscribes', () => {
  test('to what already lives › then the snapshot has every actor, with its parent, its state and what it knows', async () => {
    const { watcher, host, agent, execute } = await startWatched();
    await host.ok('tools.register', [{ name: 'clock' }, { name: 'gated' }]);
    const { turn_id } = await openChat(host, agent, { agent_id: 'echo', session_id: 's', prompt: 'what time is it?' });
    await execute({ tool: 'clock', parameters: { zone: 'UTC' } });
    await execute({ tool: 'gated' });
    agent.emit('s', { kind: 'approval_pending', approval_id: 'a', tool: 'rm', params: { path: '/' } });
    await settle();
    const snapshot = inspectSubscribeResult.parse(await watcher.ok('inspect.subscribe')) as Message;
    const machines = snapshot.actors.map((actor: Message) => actor.machine);
    expect(machines.sort()).toEqual([
      ...['approval', 'approval', 'broker', 'callback', 'callback', 'connection', 'connection', 'connection', 'turn'],
    ]);
    const broker = actorIn(snapshot, 'broker');
    expect(broker).toMatchObject({ parent: null, state: ['accepting'], status: 'active' });
    const turn = actorIn(snapshot, turn_id);
    expect(turn).toMatchObject({ machine: 'turn', parent: broker.id, state: PARKED, label: 'echo' });
    expect(turn.context).toMatchObject({ session_id: 's', prompt: 'what time is it?', pending_approvals: ['a'] });
    expect(actorIn(snapshot, 'cb-1')).toMatchObject({ parent: turn.id, state: ['pending'], label: 'clock' });
    expect(actorIn(snapshot, 'cb-1').context).toMatchObject({ parameters: { zone: 'UTC' }, turn: turn_id });
    expect(actorIn(snapshot, 'cb-2')).toMatchObject({ parent: turn.id, state: ['parked'], label: 'gated' });
    // The host role may see what others may not.
    const rows = snapshot.actors.filter((actor: Message) => actor.machine === 'approval');
    expect(rows.map((row: Message) => row.context.details.params)).toContainEqual({ path: '/' });
    const roles = snapshot.actors.map((actor: Message) => actor.context.role).filter(Boolean);
    expect(roles.sort()).toEqual(['agent', 'client', 'host']);
    expect(new Set(snapshot.actors.map((actor: Message) => actor.id)).size).toBe(9);
  });

  test('to any › then the snapshot has every chart as it runs', async () => {
    const { watcher } = await startWatched();
    const { machines } = await watcher.ok('inspect.subscribe');
    expect(Object.keys(machines).sort()).toEqual(Object.keys(MACHINES).sort());
    for (const machine of Object.values<AnyStateMachine>(MACHINES)) {
      const told = machines[machine.id];
      expect(told.initial).toBe((machine.config as { initial: string }).initial);
      const compare = (node: AnyStateNode, state: StateDefinition) => {
        expect(state.type).toBe(node.type);
        expect(state.description).toBe(node.description);
        const ways = [...(node.always ?? []), ...[...node.transitions.values()].flat()];
        expect(state.on).toHaveLength(ways.length);
        for (const [n, way] of ways.entries()) {
          expect(state.on[n]?.targets).toEqual((way.target ?? []).map((target: AnyStateNode) => target.path.join('.')));
          expect(state.on[n]?.guard).toBe(way.guard);
          expect(state.on[n]?.actions).toEqual(way.actions.map((action: Message) => action.type ?? action));
        }
        expect(Object.keys(state.states ?? {})).toEqual(Object.keys(node.states));
      };
      for (const [name, node] of Object.entries(machine.root.states)) compare(node as AnyStateNode, told.states[name]);
    }
    expect(machines.broker.states.draining.on).toContainEqual({
      event: 'after:drainTimeout',
      delay: 'drainTimeout',
      targets: ['closing'],
      actions: ['endAllTurns'],
    });
    expect(machines.turn.states.live.on[0]).toEqual({
      event: '',
      guard: 'hasHeldError',
      targets: ['failed'],
      actions: [],
    });
    expect(machines.callback.states.pending).toMatchObject({ entry: ['callHost'], exit: ['forgetCall'] });
    // What XState adds for a delay of its own is no action of the chart's.
    expect(machines.broker.states.draining.entry).toEqual(['dropQueuedChats']);
  });

  test('again › then the snapshot is a new one, and what it holds is not told any more', async () => {
    const { linked, watcher, host, agent } = await startWatched();
    await watcher.ok('inspect.subscribe');
    await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
    const snapshot = await watcher.ok('inspect.subscribe');
    expect(actorIn(snapshot, 'turn')).toMatchObject({ state: STREAMING });
    expect(snapshot.sequence).toBeGreaterThan(5);
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await tick(linked);
    const records = recordsOf(watcher);
    expect(records[0].sequence).toBe(snapshot.sequence + 1);
    expect(records.filter((record) => record.type === 'started')).toEqual([]);
  });
});

describe('inspect.event › when actors go through their lives', () => {
  test('a turn is opened, parked, resumed and done › then each step is told, in order and without a gap', async () => {
    const { linked, watcher, host, agent } = await startWatched();
    const snapshot = await watcher.ok('inspect.subscribe');
    const { turn_id } = await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
    agent.emit('s', { kind: 'token', delta: 'one' });
    agent.emit('s', { kind: 'approval_pending', approval_id: 'a', tool: 'rm' });
    agent.emit('s', { kind: 'approval_resolved', approval_id: 'a', resolution: 'approve' });
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    expect(recordsOf(watcher)).toEqual([]);
    await tick(linked);
    const records = recordsOf(watcher);
    expect(records.map((record) => record.sequence)).toEqual(records.map((_, index) => snapshot.sequence + 1 + index));
    const started = records.find((record) => record.type === 'started' && record.actor.name === turn_id);
    const turn = started.actor;
    expect(turn).toMatchObject({ machine: 'turn', state: ['dispatching'], parent: actorIn(snapshot, 'broker').id });
    const told = ofActor(watcher, turn.id);
    expect(
      told
        .filter((record) => record.type === 'transition')
        .map(({ previous, event, state }) => [previous, event, state]),
    ).toEqual([
      [['dispatching'], 'call.answered', STREAMING],
      [STREAMING, 'approval.pending', PARKED],
      [PARKED, 'approval.resolved', STREAMING],
      [STREAMING, 'turn.terminal', ['done']],
    ]);
    expect(told.filter((record) => record.type === 'event').map(({ event }) => event)).toEqual([
      ...['call.answered', 'chat.event', 'approval.pending', 'approval.resolved', 'turn.terminal'],
    ]);
    expect(told.at(-1)).toMatchObject({ type: 'ended', status: 'done', state: ['done'], output: { turnId: turn_id } });
    // The chart passes a state on its way that it never stays in.
    expect(told.find((record) => record.type === 'transition')?.through).toEqual([
      ['live.host.accepted', 'live.agent.accepted', 'live.work.accepted'],
    ]);
    // One message's whole way: the agent's connection, the broker, the turn, the host's connection.
    const way = records.filter((record) => JSON.stringify(record.payload ?? '').includes('"one"'));
    const connection = (role: string) =>
      snapshot.actors.find((actor: Message) => actor.context.role === role).id as string;
    expect(way.map(({ actor, from, event }) => [event, from, actor])).toEqual([
      ['chat.event', null, connection('agent')],
      ['chat.event', connection('agent'), actorIn(snapshot, 'broker').id],
      ['chat.event', actorIn(snapshot, 'broker').id, turn.id],
      ['chat.token', turn.id, connection('client')],
    ]);
    const approval = records.find((record) => record.type === 'started' && record.actor.machine === 'approval').actor;
    expect(ofActor(watcher, approval.id).at(-1)).toMatchObject({ type: 'ended', state: ['approved'] });
    // Nothing is left to be told, and nothing is told twice.
    await tick(linked);
    expect(recordsOf(watcher)).toHaveLength(records.length);
  });

  test('a client connects, proves who it is and goes › then its connection is told, under the name it got', async () => {
    const { linked, watcher } = await startWatched();
    await watcher.ok('inspect.subscribe');
    const client = await linked.agent('late');
    client.close();
    await tick(linked);
    const { actor } = recordsOf(watcher).find((record) => record.type === 'started');
    expect(actor).toMatchObject({ machine: 'connection', state: ['authenticating'], label: 'unauthenticated' });
    const transitions = ofActor(watcher, actor.id).filter((record) => record.type === 'transition');
    expect(transitions.map(({ state, label }) => [...state, label])).toEqual([
      ['ready', 'late'],
      ['closed', 'late'],
    ]);
    expect(ofActor(watcher, actor.id).at(-1)).toMatchObject({ type: 'ended', status: 'done' });
  });

  test('more than 50 tokens come in a second › then the rest are told as a number and the last, before what follows them', async () => {
    const { linked, watcher, host, agent } = await startWatched();
    await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
    const snapshot = await watcher.ok('inspect.subscribe');
    const turn = actorIn(snapshot, 'turn');
    for (let n = 1; n <= 500; n += 1) agent.emit('s', { kind: 'token', delta: `token ${n}` });
    await settle();
    agent.emit('s', { kind: 'approval_pending', approval_id: 'a', tool: 'rm' });
    await tick(linked);
    const told = ofActor(watcher, turn.id).filter((record) => record.event === 'chat.event');
    expect(told).toHaveLength(51);
    expect(told.every((record, n) => n === 50 || record.count === undefined)).toBe(true);
    expect(told[50]).toMatchObject({ count: 450, payload: { params: { delta: 'token 500' } } });
    const all = ofActor(watcher, turn.id);
    expect(all.indexOf(told[50])).toBeLessThan(all.findIndex((record) => record.event === 'approval.pending'));
    // Its state is told all the same, and the host has heard every one.
    expect(all.find((record) => record.type === 'transition')).toMatchObject({ state: PARKED });
    expect(host.events('s')).toHaveLength(501);
  });

  test('they have become few again › then they are told one by one again', async () => {
    const { linked, watcher, host, agent } = await startWatched();
    await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
    const turn = actorIn(await watcher.ok('inspect.subscribe'), 'turn');
    await tick(linked);
    const counts = () =>
      ofActor(watcher, turn.id)
        .filter(({ event }) => event === 'chat.event')
        .map(({ count = 1 }) => count);
    for (let n = 0; n < 60; n += 1) agent.emit('s', { kind: 'token', delta: 'x' });
    await tick(linked, 1_000);
    expect(counts()).toHaveLength(51);
    // The second after is still one of many.
    for (let n = 0; n < 3; n += 1) agent.emit('s', { kind: 'token', delta: 'x' });
    await tick(linked, 1_000);
    expect(counts().slice(51)).toEqual([3]);
    for (let n = 0; n < 3; n += 1) agent.emit('s', { kind: 'token', delta: 'x' });
    await tick(linked, 1_000);
    expect(counts().slice(52)).toEqual([1, 1, 1]);
  });

  test('many tokens with more than a text come in a second › then the last is told as it was heard, not as it was stamped', async () => {
    const { linked, watcher, host, agent } = await startWatched();
    await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
    await watcher.ok('inspect.subscribe');
    const own = { kind: 'token', delta: 'x', seq: 7, seq_from: 6, synthesized: true };
    for (let n = 1; n <= 100; n += 1) agent.emit('s', { ...own, mood: n });
    await tick(linked, 300);
    const bundles = recordsOf(watcher).filter(({ count, event }) => count === 50 && event !== 'chat.deliver');
    expect(bundles.map(({ event }) => event)).toHaveLength(3);
    for (const { payload } of bundles) expect(payload.params).toEqual({ session_id: 's', ...own, mood: 100 });
    // The host has the stamped one.
    expect(host.events('s').at(-1)).toMatchObject({ agent_id: 'echo', seq: 100, mood: 100 });
  });

  test('only what an actor knows has changed › then its context is told, its state being the same', async () => {
    const { linked, watcher, host, agent } = await startWatched();
    await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
    const turn = actorIn(await watcher.ok('inspect.subscribe'), 'turn');
    expect(turn.context.seq).toBe(0);
    agent.emit('s', { kind: 'token', delta: 'x' });
    for (let n = 0; n < 3; n += 1) await tick(linked, 1_000);
    const transitions = ofActor(watcher, turn.id).filter((record) => record.type === 'transition');
    expect(transitions).toMatchObject([{ event: '', state: STREAMING, previous: STREAMING, context: { seq: 1 } }]);
  });
});

describe('inspect.event › when watchers come and go', () => {
  test('two watch each other, and nothing else happens › then nobody is told anything without end', async () => {
    const { linked, watcher } = await startWatched();
    const other = await linked.manager();
    await watcher.ok('inspect.subscribe');
    await other.ok('inspect.subscribe');
    for (let n = 0; n < 5; n += 1) await tick(linked, 1_000);
    const before = watcher.received('inspect.event').length + other.received('inspect.event').length;
    for (let n = 0; n < 10; n += 1) await tick(linked, 1_000);
    // The broker sweeps now and then, which is an event; being told of it is none.
    const records = recordsOf(watcher).filter((record) => record.type === 'event' && record.event !== 'sweep');
    expect(records.map((record) => record.event)).not.toContain('rpc.notify');
    const after = watcher.received('inspect.event').length + other.received('inspect.event').length;
    expect(after - before).toBeLessThanOrEqual(2 * 10);
    expect(recordsOf(watcher).length).toBeLessThan(40);
    expect(recordsOf(other).map(({ sequence }) => sequence)).toEqual(
      recordsOf(watcher)
        .map(({ sequence }) => sequence)
        .slice(-recordsOf(other).length),
    );
  });

  test('one unsubscribes › then it hears nothing more, and the other goes on', async () => {
    const { linked, watcher, host, agent } = await startWatched();
    const other = await linked.manager();
    await watcher.ok('inspect.subscribe');
    await other.ok('inspect.subscribe');
    expect(await watcher.ok('inspect.unsubscribe')).toEqual({ unsubscribed: true });
    expect(await watcher.ok('inspect.unsubscribe')).toEqual({ unsubscribed: false });
    const before = recordsOf(watcher).length;
    await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
    await tick(linked);
    expect(recordsOf(watcher)).toHaveLength(before);
    expect(recordsOf(other).some((record) => record.type === 'started')).toBe(true);
  });
});
