import { describe, expect, it } from 'vitest';
import { openChat, settle, startLinked } from '../../support/linked.ts';
import { startResumable } from '../../support/resume-scene.ts';
import { startToolScene } from '../../support/tool-scene.ts';
import { keptTrail } from './kept-trail.ts';

describe('who comes and goes', () => {
  it('is noted with what they came as, and from where', async () => {
    const { trail, entries, news } = keptTrail();
    const { host, agent, broker } = startLinked({ audit: trail });
    expect(news()).toEqual([expect.stringMatching(/^broker\.start ok \d/)]);
    const client = await host();
    expect(entries).toEqual([
      {
        tenant: 'default',
        who: 'local',
        conn: expect.any(String),
        ip: 'memory',
        what: 'session.auth',
        outcome: 'ok',
        data: { role: 'client' },
      },
    ]);
    news();
    const echo = await agent('echo');
    expect(news()).toEqual(['agents.upsert ok echo', 'session.auth ok echo', 'agent.attach ok echo']);
    const again = await agent('echo');
    await settle();
    expect(news()).toEqual([
      'agents.upsert ok echo',
      'session.auth ok echo',
      'agent.attach replaced echo',
      'session.end ok echo',
    ]);
    expect(echo.closed).toBe(4409);
    again.close();
    client.close();
    await settle();
    expect(news()).toEqual(['session.end ok echo', 'agent.detach ok echo', 'session.end ok']);
    await broker.close();
    expect(news()).toEqual([expect.stringMatching(/^broker\.stop ok/)]);
  });

  it('says what the broker was started as', async () => {
    const { trail, last } = keptTrail();
    startLinked({ audit: trail, auth: false, approvals: { enabled: false }, auditRequired: true });
    expect(last('broker.start')?.data).toEqual({ auth: 'off', approvals: 'off', audit_required: true });
  });

  it('with a wrong token is noted, and not what they tried', async () => {
    const { trail, entries, news } = keptTrail();
    const { connect } = startLinked({ audit: trail });
    news();
    const client = connect();
    await client.call('session.auth', { token: 'a-wrong-token', agent_id: 'a-guess' });
    expect(news()).toEqual(['session.auth refused']);
    await client.call('session.auth', { host_token: 'a-wrong-token' });
    expect(entries[0]).toEqual({ conn: expect.any(String), ip: 'memory', what: 'session.auth', outcome: 'refused' });
    client.close();
    await settle();
    // It was nobody.
    expect(entries).toHaveLength(1);
  });

  it('with many wrong tokens is counted beyond twenty a second', async () => {
    const { trail, entries, news } = keptTrail();
    const { connect, advance } = startLinked({ audit: trail });
    news();
    for (let n = 0; n < 30; n += 1) await connect().call('session.auth', { token: 'wrong' });
    expect(entries).toHaveLength(20);
    await advance(10_000);
    expect(entries.slice(20)).toEqual([
      { who: 'broker', what: 'session.auth', outcome: 'refused', data: { more: 10 } },
    ]);
    await connect().call('session.auth', { token: 'wrong' });
    expect(entries).toHaveLength(22);
  });

  it('by an embedder’s word is noted as that', async () => {
    const { trail, last } = keptTrail();
    const { broker } = startLinked({ audit: trail });
    broker.connect({ principal: { sub: 'ann', tenant: 'acme', name: 'Ann' } });
    expect(last('session.auth')).toMatchObject({
      tenant: 'acme',
      who: 'ann',
      outcome: 'ok',
      data: { name: 'Ann', vouched_for: true },
    });
    await broker.close();
  });
});

describe('a turn', () => {
  it('is noted when it is opened, cancelled and has ended, and whose it is', async () => {
    const { trail, entries, news } = keptTrail();
    const { host, agent } = startLinked({ audit: trail });
    const [ann, echo] = [await host(), await agent('echo')];
    news();
    const { turn_id } = await openChat(ann, echo, { agent_id: 'echo', session_id: 's' });
    expect(entries[0]).toMatchObject({
      who: 'local',
      what: 'turn.open',
      on: turn_id,
      data: { session: 's', agent: 'echo' },
    });
    await ann.ok('agents.chat.cancel', { session_id: 's' });
    await settle();
    expect(news()).toEqual([`turn.open ok ${turn_id}`, `turn.cancel ok ${turn_id}`, `turn.end cancelled ${turn_id}`]);
    const second = await openChat(ann, echo, { agent_id: 'echo', session_id: 's' });
    echo.emit('s', { kind: 'done', finish_reason: 'stop' });
    await settle();
    expect(news()).toEqual([`turn.open ok ${second.turn_id}`, `turn.end done ${second.turn_id}`]);
  });

  it('costs nothing a delta', async () => {
    const { trail, news } = keptTrail();
    const { say } = await startResumable({ audit: trail });
    news();
    await say('one', 'two', 'three');
    expect(news()).toEqual([]);
  });

  it('that somebody takes up again is noted', async () => {
    const { trail, news, last } = keptTrail();
    const scene = await startResumable({ audit: trail });
    const { turnId } = scene;
    await scene.leave();
    news();
    await scene.resume();
    expect(last('turn.resume')).toMatchObject({
      who: 'local',
      on: turnId,
      data: { session: 's', agent: 'echo', after: 0 },
    });
  });
});

describe('a tool', () => {
  it('is noted when it has run, with its name and how that went, and nothing that it was called with', async () => {
    const { trail, news, last } = keptTrail();
    const { execute, asked, host, turnId } = await startToolScene({ audit: trail });
    news();
    await execute({ parameters: { city: 'Rome' } });
    host.answer(asked(), { time: 'noon' });
    await settle();
    expect(last('tool.run')).toMatchObject({
      who: 'agent:echo',
      on: 'clock',
      outcome: 'resolved',
      data: { turn: turnId, host: 'local' },
    });
    expect(JSON.stringify(last('tool.run'))).not.toMatch(/Rome|noon/);
    await execute({ parameters: {}, timeout_ms: 1 });
    host.send({ jsonrpc: '2.0', id: asked().id, error: { code: 1, message: 'no' } });
    await settle();
    await execute();
    await host.ok('agents.chat.cancel', { session_id: 's' });
    await settle();
    expect(news().filter((line) => line.startsWith('tool'))).toEqual([
      'tool.run resolved clock',
      'tool.run rejected clock',
      'tool.run cancelled clock',
    ]);
  });

  it('of an embedder’s is noted as the program’s', async () => {
    const { trail, last } = keptTrail();
    const { broker, host } = await startToolScene({ audit: trail });
    const running = broker.executeTool(last('turn.open')?.conn ?? '', 'clock', {});
    await settle();
    host.answer(host.received('tools.execute').at(-1), {});
    await running;
    expect(last('tool.run')).toMatchObject({ who: 'program', on: 'clock', outcome: 'resolved' });
  });
});

describe('the registry', () => {
  it('is noted as it changes, with what became of tokens', async () => {
    const { trail, last } = keptTrail();
    const { manager } = startLinked({ audit: trail });
    const client = await manager();
    await client.ok('agents.upsert', { id: 'bob', metadata: { note: 'private' } });
    expect(last('agents.upsert')).toMatchObject({
      who: 'local',
      on: 'bob',
      outcome: 'ok',
      data: { created: true, rotated: false },
    });
    await client.ok('agents.upsert', { id: 'bob', name: 'Bob' });
    expect(last('agents.upsert')?.data).toEqual({ created: false, rotated: false });
    await client.ok('agents.upsert', { id: 'bob', rotate_token: true });
    expect(last('agents.upsert')?.data).toEqual({ created: false, rotated: true });
    await client.ok('agents.remove', { id: 'bob' });
    expect(last('agents.remove')).toMatchObject({ on: 'bob', outcome: 'ok', data: { removed: true } });
    await client.ok('agents.remove', { id: 'bob' });
    expect(last('agents.remove')?.data).toEqual({ removed: false });
  });

  it.each([
    ['by a promise', () => Promise.reject(new Error('no room'))],
    [
      'at once',
      () => {
        throw new Error('no room');
      },
    ],
  ])('that cannot be kept, as its store says %s, is noted as that', async (_when, fail) => {
    const { trail, last } = keptTrail();
    let isFull = false;
    const store = { load: () => [], save: () => (isFull ? fail() : undefined) };
    const { manager, broker } = startLinked({ audit: trail, agentStore: store, keyStore: store });
    const boss = await manager();
    for (const [method, params] of [
      ['agents.upsert', { id: 'bob' }],
      ['keys.add', { name: 'ann' }],
    ] as const)
      await boss.ok(method, params);
    isFull = true;
    for (const [method, params, on] of [
      ['agents.upsert', { id: 'bob' }, 'bob'],
      ['agents.remove', { id: 'bob' }, 'bob'],
      ['keys.add', { name: 'eve' }, 'default/eve'],
      ['keys.rotate', { name: 'ann' }, 'default/ann'],
      ['keys.remove', { name: 'ann' }, 'default/ann'],
    ] as const) {
      expect(await boss.call(method, params)).toHaveProperty('error');
      expect(last(method), method).toMatchObject({ outcome: 'failed', on, who: 'local' });
    }
    await expect(broker.keys.add({ name: 'ben' })).rejects.toThrow();
    expect(last('keys.add')).toMatchObject({ outcome: 'failed', on: 'default/ben', who: 'program' });
    try {
      broker.upsertAgent({ id: 'cleo' });
      await settle();
    } catch {
      // A store that says so at once does so to whoever has asked.
    }
    expect(last('agents.upsert')).toMatchObject({ outcome: 'failed', on: 'cleo', who: 'program' });
  });
});
