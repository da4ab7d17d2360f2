import { describe, expect, it } from 'vitest';
import { openChat, settle, startLinked } from '../../support/linked.ts';
import { scrape } from '../../support/metrics.ts';
import { startToolScene } from '../../support/tool-scene.ts';
import { keptTrail } from './kept-trail.ts';

describe('an audit that is required and cannot be written', () => {
  it('refuses whatever is privileged, as a fault of the broker’s; the rest goes on', async () => {
    const kept = keptTrail();
    const said: string[] = [];
    const none = () => {};
    const log = { debug: none, info: none, warn: none, error: (_fields: object, what: string) => void said.push(what) };
    const { execute, agent, host, linked, broker, asked } = await startToolScene({
      audit: kept.trail,
      auditRequired: true,
      log,
    });
    const manager = await linked.manager();
    const { id } = await host.ok('host.request_approval', { action: 'run' });
    await execute();
    kept.fail();
    const internal = { error: { code: -32603, message: 'internal error' } };
    expect(await linked.connect().call('session.auth', { token: broker.tokens.daemon })).toMatchObject(internal);
    expect(await host.call('agents.chat', { agent_id: 'echo', prompt: 'hi' })).toMatchObject(internal);
    expect(await manager.call('agents.upsert', { id: 'bob' })).toMatchObject(internal);
    expect(await manager.call('agents.remove', { id: 'echo' })).toMatchObject(internal);
    expect(await manager.call('host.resolve_approval', { approval_id: id, resolution: 'approve' })).toMatchObject(
      internal,
    );
    expect(await agent.call('tools.execute', { session_id: 's', tool: 'clock' })).toMatchObject(internal);
    expect(() => broker.upsertAgent({ id: 'bob' })).toThrow('internal error');
    expect(said).toContain('refused, because the audit trail cannot be written (--audit-required)');
    expect(await scrape(broker)).toMatch(/^switchboard_audit_refused_total 7$/m);
    // What runs goes on, and can be stopped.
    agent.emit('s', { kind: 'token', delta: 'x' });
    host.answer(asked(), {});
    await settle();
    expect(host.events('s')).toHaveLength(1);
    await host.ok('agents.list');
    await host.ok('agents.chat.cancel', { session_id: 's' });
    kept.fail(false);
    await manager.ok('host.resolve_approval', { approval_id: id, resolution: 'approve' });
    await linked.host();
  });

  it('has a chat that waited refused when it would start', async () => {
    const kept = keptTrail();
    const { host, agent } = await startToolScene({ audit: kept.trail, auditRequired: true });
    const id = host.post('agents.chat', { agent_id: 'echo', session_id: 's', prompt: 'next', on_busy: 'queue' });
    await settle();
    kept.fail();
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await settle();
    expect(host.replyTo(id)).toMatchObject({ error: { code: -32603 } });
    expect(agent.received('agent.chat')).toHaveLength(1);
  });

  it('refuses nothing where it is not required', async () => {
    const kept = keptTrail();
    kept.fail();
    const { host } = startLinked({ audit: kept.trail });
    await host();
  });

  it('needs an audit', () => {
    expect(() => startLinked({ auditRequired: true })).toThrow('auditRequired goes with audit');
    expect(() => startLinked({ audit: {} as never })).toThrow('audit.note must be a function');
    expect(() => startLinked({ audit: { note() {} } as never })).toThrow('audit.state must be an object');
  });
});

describe('a trail that throws', () => {
  it('stops nothing', async () => {
    const trail = {
      ...keptTrail().trail,
      note: () => {
        throw new Error('broken');
      },
    };
    const { host, agent } = startLinked({ audit: trail });
    const [ann, echo] = [await host(), await agent('echo')];
    expect(await openChat(ann, echo, { agent_id: 'echo' })).toMatchObject({ accepted: true });
  });
});
