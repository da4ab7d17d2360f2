import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { settle, startLinked } from '../../support/linked.ts';
import { approvalsOf, pending, resolved, startToolScene } from '../../support/tool-scene.ts';
import { keptTrail } from './kept-trail.ts';

const hashOf = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('hex');

describe('an approval', () => {
  it('at the gate is noted with the hash of what was asked for, and who has answered what', async () => {
    const { trail, last } = keptTrail();
    const scene = await startToolScene({ audit: trail, approvals: { methods: ['tools.execute:clock'] } });
    const { agent, host, linked, turnId } = scene;
    const text = '{"city":"Rome","order":12345678901234567890}';
    agent.send(
      `{"jsonrpc":"2.0","id":"x","method":"tools.execute","params":{"session_id":"s","tool":"clock","parameters":${text}}}`,
    );
    await settle();
    const [row] = await approvalsOf(host);
    const data = {
      kind: 'gate',
      action: 'ws.method:tools.execute',
      tool: 'clock',
      turn: turnId,
      params_sha256: createHash('sha256').update(text).digest('hex'),
    };
    expect(last('approval.raise')).toMatchObject({ who: 'agent:echo', on: row.id, outcome: 'ok', data });
    const manager = await linked.manager();
    await manager.ok('host.resolve_approval', { approval_id: row.id, resolution: 'deny' });
    expect(last('approval.resolve')).toMatchObject({
      who: 'local',
      on: row.id,
      outcome: 'denied',
      data: { ...data, resolution: 'deny' },
    });
    expect(last('approval.resolve')?.conn).toBe(last('session.auth')?.conn);
    await settle();
    expect(last('tool.run')).toMatchObject({ outcome: 'rejected', data: { approval: row.id } });
  });

  it('of a chat is noted with whoever has answered it: a person, or the agent itself', async () => {
    const { trail, last, news } = keptTrail();
    const { host, agent, turnId } = await startToolScene({ audit: trail });
    agent.emit('s', { ...pending('a1'), action: 'delete it all' });
    await settle();
    expect(last('approval.raise')).toMatchObject({
      who: 'agent:echo',
      data: {
        kind: 'chat',
        action_sha256: hashOf('delete it all'),
        tool: 'rm',
        turn: turnId,
        params_sha256: hashOf({ path: '/' }),
      },
    });
    const answering = host.call('agents.chat.approve', { session_id: 's', approval_id: 'a1', decision: true });
    await settle();
    agent.answer(agent.received('agent.chat.approve').at(-1), { resolved: true });
    await answering;
    expect(last('approval.resolve')).toMatchObject({
      who: 'local',
      outcome: 'approved',
      conn: last('turn.open')?.conn,
    });
    expect(last('approval.resolve')?.data).not.toHaveProperty('action');
    news();
    agent.emit('s', pending('a2'));
    agent.emit('s', resolved('a2', 'deny'));
    await settle();
    expect(last('approval.resolve')).toMatchObject({ who: 'agent:echo', outcome: 'denied' });
  });

  it('that nobody has answered is noted as the broker’s', async () => {
    const { trail, last } = keptTrail();
    const { execute, linked } = await startToolScene({
      audit: trail,
      approvals: { methods: ['tools.execute'], timeoutMs: 1_000 },
    });
    await execute();
    await linked.advance(1_000);
    expect(last('approval.resolve')).toMatchObject({ who: 'broker', outcome: 'expired', data: { owner: 'local' } });
  });

  it('that a client asks for is noted with the hash of its details', async () => {
    const { trail, last, entries } = keptTrail();
    const { host, manager } = startLinked({ audit: trail });
    const client = await host();
    const details = { command: 'rm -rf /', tool: 'secret words' };
    const { id } = await client.ok('host.request_approval', { action: 'say: I quit', details });
    expect(last('approval.raise')).toMatchObject({
      on: id,
      data: { kind: 'asked', action_sha256: hashOf('say: I quit'), params_sha256: hashOf(details) },
    });
    expect(JSON.stringify(entries)).not.toContain('quit');
    expect(JSON.stringify(entries)).not.toContain('secret words');
    await (await manager()).ok('host.resolve_approval', { approval_id: id, resolution: 'a long story' });
    expect(last('approval.resolve')).toMatchObject({ outcome: 'denied', on: id });
    expect(JSON.stringify(last('approval.resolve'))).not.toContain('story');
  });
});
