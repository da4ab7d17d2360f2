import { describe, expect, test } from 'vitest';
import { INSPECTION } from '../../../actors/inspect/feed.ts';
import { inspectEventParams } from '../../../protocol/inspect.ts';
import { poison, StubbornLink, startInternals } from '../../support/internals.ts';
import { AUDIENCE, ISSUER, Issuer } from '../../support/jwt.ts';
import { type Message, openChat, settle, startLinked } from '../../support/linked.ts';
import { actorIn, ofActor, recordsOf, tick } from './inspect-support.ts';

/** What an actor system sends its reports through. */
const reporter = (internals: ReturnType<typeof startInternals>): unknown =>
  (internals.root.system as unknown as { _sendInspectionEvent: unknown })._sendInspectionEvent;

describe('law 7 › when nobody watches', () => {
  test.each(['unsubscribes', 'goes', 'is cut off'])(
    'because nobody has, and again because the last one %s › then nothing is attached, and nothing is timed',
    async (how) => {
      const internals = startInternals({ inspect: true });
      const watcher = await internals.manager();
      const host = await internals.host();
      const agent = await internals.agent('echo');
      const untouched = reporter(internals);
      const deadlines = internals.state.deadlines.size;
      const inspection = internals.state.peek(INSPECTION);
      expect(inspection?.watchers).toBe(0);
      await watcher.ok('inspect.subscribe');
      expect(inspection?.watchers).toBe(1);
      expect(reporter(internals)).not.toBe(untouched);
      expect(internals.state.deadlines.size).toBe(deadlines + 1);
      const { turn_id } = await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
      const turns = internals.state.deadlines.size - deadlines - 1;
      if (how === 'unsubscribes') await watcher.ok('inspect.unsubscribe');
      else if (how === 'goes') watcher.close();
      else {
        const manager = [...internals.state.clients.values()].find((client) => client.role === 'host');
        manager?.link.terminate();
      }
      await settle();
      expect(inspection?.watchers).toBe(0);
      expect(reporter(internals)).toBe(untouched);
      expect(internals.state.deadlines.size).toBe(deadlines + turns);
      agent.emit('s', { kind: 'done', finish_reason: 'stop' });
      await internals.advance(1_000);
      expect(host.events('s')).toMatchObject([{ kind: 'done', turn_id }]);
      // Who comes then finds everything as it is, and nothing of what has ended.
      const snapshot = await (await internals.manager()).ok('inspect.subscribe');
      expect(snapshot.actors.map((actor: Message) => actor.machine)).not.toContain('turn');
    },
  );
});

describe('the inspection feed › when something in it breaks', () => {
  test('what a turn knows cannot be read › then the turn goes on, and of the others everything is told', async () => {
    const errors: unknown[] = [];
    const log = { debug() {}, info() {}, warn() {}, error: (fields: object) => errors.push(fields) };
    const internals = startInternals({ inspect: true, log });
    const watcher = await internals.manager();
    const host = await internals.host();
    const agent = await internals.agent('echo');
    const snapshot = await watcher.ok('inspect.subscribe');
    await openChat(host, agent, { agent_id: 'echo', session_id: 'broken' });
    poison(internals.turn('broken'), 'heldBytes');
    for (const kind of ['approval_pending', 'token']) {
      agent.emit('broken', { kind, approval_id: 'a', tool: 'rm', delta: 'x' });
    }
    await openChat(host, agent, { agent_id: 'echo', session_id: 'whole' });
    agent.emit('whole', { kind: 'done', finish_reason: 'stop' });
    agent.emit('broken', { kind: 'done', finish_reason: 'stop' });
    await tick(internals);
    expect(host.events('broken').map(({ kind }) => kind)).toEqual(['approval_pending', 'token', 'done']);
    expect(host.events('whole').map(({ kind }) => kind)).toEqual(['done']);
    const ended = recordsOf(watcher).filter((record) => record.type === 'ended' && record.output?.turnId);
    expect(ended).toHaveLength(1);
    expect(ofActor(watcher, actorIn(snapshot, 'broker').id).length).toBeGreaterThan(5);
    expect(errors).toHaveLength(1);
  });

  test('an actor that has ended is sent something › then nothing breaks, and nothing is told of it', async () => {
    const errors: unknown[] = [];
    const log = { debug() {}, info() {}, warn() {}, error: (fields: object) => errors.push(fields) };
    const internals = startInternals({ inspect: true, log });
    const watcher = await internals.manager();
    const host = await internals.host();
    const agent = await internals.agent('echo');
    await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
    const { ref } = internals.turn('s');
    const turn = actorIn(await watcher.ok('inspect.subscribe'), 'turn');
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await settle();
    ref?.send({ type: 'turn.stale' });
    await tick(internals);
    expect(ofActor(watcher, turn.id).at(-1)).toMatchObject({ type: 'ended' });
    expect(errors).toEqual([]);
  });

  test('an actor fails › then it is told that it has ended, and how', async () => {
    const internals = startInternals({ inspect: true });
    const watcher = await internals.manager();
    const host = await internals.host();
    const agent = await internals.agent('echo');
    await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
    const turn = actorIn(await watcher.ok('inspect.subscribe'), 'turn');
    poison(internals.turn('s'), 'tokenHead');
    agent.emit('s', { kind: 'token', delta: 'x' });
    await tick(internals);
    expect(ofActor(watcher, turn.id).at(-1)).toMatchObject({
      type: 'ended',
      status: 'error',
      state: ['live.host.here', 'live.agent.here', 'live.work.streaming'],
    });
    const failed = recordsOf(watcher).find((record) => record.event === 'child.failed');
    expect(failed).toMatchObject({ from: turn.id, payload: { id: turn.name } });
    // What broke is in the log, and nowhere else.
    expect(JSON.stringify(watcher.frames)).not.toContain('poisoned');
    expect(host.events('s')).toMatchObject([{ kind: 'error', code: 'internal' }]);
  });

  test('what is sent is deep, large, and no plain object › then it is told in part', async () => {
    const linked = startLinked({ inspect: true });
    const watcher = await linked.manager();
    const host = await linked.host();
    const agent = await linked.agent('echo');
    await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
    const turn = actorIn(await watcher.ok('inspect.subscribe'), 'turn');
    let deep: Message = 1;
    for (let n = 0; n < 150; n += 1) deep = { deep };
    const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`key ${n}`, 'ü'.repeat(300)]));
    agent.emit('s', { kind: 'mood', deep, list: Array(10_000).fill('\u0000'.repeat(100)) });
    agent.emit('s', { kind: 'mood', wide });
    agent.send(
      '{"jsonrpc":"2.0","method":"agent.chat.event","params":{"session_id":"s","kind":"mood","__proto__":{"a":1}}}',
    );
    await tick(linked);
    const told = ofActor(watcher, turn.id).filter((record) => record.event === 'chat.event');
    expect(told).toHaveLength(3);
    for (const { payload } of told) expect(Buffer.byteLength(JSON.stringify(payload))).toBeLessThanOrEqual(2048);
    expect(host.events('s')).toHaveLength(3);
    await openChat(host, agent, { agent_id: 'echo', session_id: 'long', prompt: 'p'.repeat(1_000_000) });
    const { actors } = await watcher.ok('inspect.subscribe');
    for (const { context } of actors) expect(Buffer.byteLength(JSON.stringify(context))).toBeLessThanOrEqual(16 * 1024);
  });
});

describe('the inspection feed › when there is much to tell', () => {
  test('more actors live than a snapshot has room for › then contexts are left out, then actors, and it says how many', async () => {
    const internals = startInternals({ inspect: true });
    const watcher = await internals.manager();
    const count = 12_000;
    for (let n = 0; n < count; n += 1) internals.open(new StubbornLink());
    const { actors, left_out } = await watcher.ok('inspect.subscribe');
    expect(actors.length + left_out).toBe(count + 2);
    expect(left_out).toBeGreaterThan(100);
    expect(actors[1].context).not.toEqual({});
    expect(actors.at(-1).context).toEqual({});
    expect(JSON.stringify(actors).length).toBeLessThan(6 * 1024 * 1024);
  });
});

describe('the inspection feed › when a watcher does not read', () => {
  test('more has happened than may wait for it › then the oldest records go, it is told how many, and it alone is behind', async () => {
    const internals = startInternals({ inspect: true, limits: { maxInspectBytes: 20_000 } });
    const link = new StubbornLink();
    internals.open(link);
    link.deliver({ id: 1, method: 'session.auth', params: { host_token: internals.tokens.host } });
    link.deliver({ id: 2, method: 'inspect.subscribe' });
    const watcher = await internals.manager();
    const { sequence } = await watcher.ok('inspect.subscribe');
    const host = await internals.host();
    link.waitingBytes = 10_000_000;
    for (let n = 0; n < 30; n += 1) {
      await host.ok('agents.list');
      await tick(internals);
    }
    const told = () =>
      link.sent
        .map((text) => JSON.parse(text))
        .filter((frame) => frame.method === 'inspect.event')
        .flatMap((frame) => inspectEventParams.parse(frame.params).records as Message[]);
    expect(told()).toEqual([]);
    expect((await watcher.ok('broker.status')).inspect_dropped).toBeGreaterThan(10);
    const inTime = recordsOf(watcher);
    expect(inTime.length).toBeGreaterThan(80);
    expect(inTime.some((record) => record.type === 'dropped')).toBe(false);
    expect(inTime[0].sequence).toBe(sequence + 1);
    link.waitingBytes = 0;
    await tick(internals);
    const [dropped, next, ...rest] = told();
    expect(dropped).toMatchObject({ type: 'dropped' });
    expect(dropped.count).toBeGreaterThan(10);
    expect(next.sequence).toBe(dropped.sequence + 1);
    expect(rest.at(-1).sequence).toBe(recordsOf(watcher).at(-1).sequence);
    expect(JSON.stringify(told()).length).toBeLessThan(40_000);
    expect(link.closeCode).toBeUndefined();
  });
});

describe('the inspection feed › when secrets pass through the broker', () => {
  test('tokens of every kind, in their places and out of them › then none is in anything that a watcher is sent', async () => {
    const idp = await Issuer.create();
    const jwt = { issuer: ISSUER, audience: AUDIENCE, jwks: idp.jwks };
    const linked = startLinked({ inspect: true, jwt, approvals: { methods: ['agents.chat'] } });
    const { tokens } = linked.broker;
    const watcher = await linked.manager();
    await watcher.ok('inspect.subscribe');
    const secrets = new Set([tokens.daemon, tokens.host, 'hunter2-hunter2']);
    const host = await linked.host();
    await linked.manager();
    await linked.agent('known');
    const { token } = await watcher.ok('agents.upsert', { id: 'echo' });
    secrets.add(token);
    const agent = linked.connect();
    await agent.ok('session.auth', { agent_id: 'echo', token });
    const [first, second] = [await idp.token(), await idp.token({ jti: '2' })];
    secrets.add(first).add(second);
    const ada = linked.connect();
    const entered = ada.post('session.auth', { jwt: first });
    while (!ada.replyTo(entered)) await settle();
    const refreshed = ada.post('session.refresh', { jwt: second });
    while (!ada.replyTo(refreshed)) await settle();
    await ada.call('session.refresh', { token: 'hunter2-hunter2', jwt: ['hunter2-hunter2'] });
    // Credentials that are none, or under a key of their own.
    for (const params of [[tokens.host], { Token_: token }, { agent_id: 'echo', pass: 'hunter2-hunter2' }, token]) {
      const lost = linked.connect();
      await lost.call('session.auth', params);
      lost.notify('session.auth', params);
    }
    linked.connect().send(`{"jsonrpc":"2.0","id":1,"method":"session.auth","params":{"token":"${tokens.daemon}",`);
    await host.ok('tools.register', [{ name: 'fetch', parameters: { headers: { Authorization: token } } }]);
    const chat = host.post('agents.chat', {
      agent_id: 'echo',
      session_id: 's',
      prompt: `my token is ${token}, use it as Bearer ${tokens.daemon}`,
      context: { api_key: 'hunter2-hunter2', headers: [{ name: 'Authorization', value: 'hunter2-hunter2' }] },
    });
    await settle();
    const [{ id: approval_id }] = (await watcher.ok('host.approvals')).approvals;
    await watcher.ok('host.resolve_approval', { approval_id, resolution: 'approve' });
    await settle();
    agent.answer(agent.lastChat(), { accepted: true, resume_token: token });
    await settle();
    expect(host.replyTo(chat)?.result?.accepted).toBe(true);
    agent.emit('s', {
      kind: 'tool_call',
      tool: 'fetch',
      params: { password: 'hunter2-hunter2', url: `http://u:${token}@h/` },
    });
    agent.emit('s', { kind: 'token', delta: token });
    // At the cut of a long text, after others that were masked.
    const hidden = token.slice(0, 12);
    for (let length = 150; length < 200; length += 10)
      agent.emit('s', { kind: 'token', delta: `${' '.repeat(length)}${token} ` });
    agent.emit('s', { kind: 'mood', texts: [20, 25, 28].map((n) => `${token} `.repeat(n)) });
    agent.post('tools.execute', {
      session_id: 's',
      tool: 'fetch',
      parameters: { routeAuth: { type: 'header', name: 'x', value: 'hunter2-hunter2' } },
    });
    await host.ok('host.request_approval', { action: `curl -H "Authorization: Bearer ${tokens.daemon}" ${token}` });
    await tick(linked);
    const snapshot = await watcher.ok('inspect.subscribe');
    expect(snapshot.actors.map((actor: Message) => actor.machine)).toContain('callback');
    agent.emit('s', { kind: 'error', error: `bad ${token}`, code: 'x' });
    await tick(linked, 1_000);
    await tick(linked, 1_000);
    const told = watcher.frames.filter((frame) => frame.method === 'inspect.event' || frame.result?.machines);
    const text = JSON.stringify(told);
    expect(text.length).toBeGreaterThan(20_000);
    secrets.add(hidden);
    for (const secret of secrets) expect(text.includes(secret)).toBe(false);
    // It is masked, not left out.
    expect(text).toContain('my token is [redacted]');
    expect(text).toContain('"agent_id":"echo","token":"[redacted]"');
    // The method that the parser refused holds one, and is told by its error alone.
    expect(recordsOf(watcher).some((record) => record.event === 'rpc.bad')).toBe(true);
  });
});
