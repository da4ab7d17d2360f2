import { describe, expect, it } from 'vitest';
import { settle, startLinked } from '../../support/linked.ts';
import { pending, startToolScene } from '../../support/tool-scene.ts';
import { keptTrail } from '../audit/kept-trail.ts';

const ID = '0af7651916cd43dd8448eb211c80319c';
const META = { traceparent: `00-${ID}-b7ad6b7169203331-01`, tracestate: 'rojo=1', baggage: 'user=alice' };
const OTHER = { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-00` };
const { baggage: _, ...KEPT } = META;

/** A host with a tool, whose chat in session `t` says which trace it belongs to; nobody is told of spans. */
async function start(meta: unknown = META, options: Parameters<typeof startToolScene>[0] = {}) {
  const scene = await startToolScene(options);
  const { host, agent } = scene;
  const id = host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 't', _meta: meta });
  await settle();
  agent.answer(agent.lastChat(), { accepted: true });
  await settle();
  return { ...scene, opened: host.replyTo(id) };
}

describe('what a request says of its trace, where nobody is told of spans', () => {
  it('goes on to the agent as it came', async () => {
    const { agent } = await start();
    expect(agent.lastChat().params._meta).toEqual(META);
  });

  it('is not there for the agent where there was nothing', async () => {
    const { agent } = await start({});
    expect(agent.lastChat().params).not.toHaveProperty('_meta');
  });

  it.each([
    ['malformed', { traceparent: 'x', tracestate: 'a=1', baggage: 'é' }],
    ['too long', { baggage: `a=${'b'.repeat(5_000)}` }],
    ['no object', [META]],
    ['null', null],
  ])('is ignored where it is %s, and the chat is not', async (_what, meta) => {
    const { agent, opened } = await start(meta);
    expect(opened.result).toMatchObject({ accepted: true });
    expect(agent.lastChat().params).not.toHaveProperty('_meta');
  });

  it('goes on without what else is in it', async () => {
    const { agent } = await start({ ...META, progressToken: 1, baggage: 'a=b' });
    expect(agent.lastChat().params._meta).toEqual({ ...META, baggage: 'a=b' });
  });

  it('goes on with a tool call to the host: the call’s own, else its chat’s', async () => {
    const { execute, asked, host, cancels, linked } = await start();
    await execute({ session_id: 't', _meta: { ...OTHER, baggage: 'b=1' } });
    expect(asked().params._meta).toEqual({ ...OTHER, baggage: 'b=1' });
    host.answer(asked(), 1);
    await execute({ session_id: 't', timeout_ms: 1_000 });
    expect(asked().params._meta).toEqual(KEPT);
    await linked.advance(1_000);
    expect(cancels()[0]).toMatchObject({ reason: 'timeout', _meta: KEPT });
    await execute({ session_id: 's' });
    expect(asked().params).not.toHaveProperty('_meta');
  });

  it('goes on with a tool call of the embedder', async () => {
    const { broker, host, asked } = await start();
    const [{ id: client }] = (await host.ok('agents.chat.sessions')).sessions.map(
      ({ host_client_id: id }: { host_client_id: string }) => ({ id }),
    );
    const done = broker.executeTool(client, 'clock', {}, { trace: { ...OTHER, tracestate: 'NO' } });
    await settle();
    expect(asked().params._meta).toEqual(OTHER);
    host.answer(asked(), 1);
    await done;
  });

  it.each([
    ['its own', OTHER, OTHER],
    ['else its chat’s', undefined, KEPT],
  ])('goes on with a cancel: %s', async (_what, meta, wanted) => {
    const { host, agent } = await start();
    await host.ok('agents.chat.cancel', { session_id: 't', _meta: meta });
    expect(agent.received('agent.chat.cancel').at(-1).params).toMatchObject({
      reason: 'host_cancelled',
      _meta: wanted,
    });
  });

  it('goes on with a cancel that is the broker’s', async () => {
    const { host, agent } = await start();
    host.close();
    await settle();
    expect(agent.received('agent.chat.cancel').at(-1).params).toMatchObject({
      reason: 'host_disconnected',
      _meta: KEPT,
    });
  });

  it.each(['agents.chat.approve', 'host.resolve_approval'])(
    'goes on with what a person decides by %s',
    async (method) => {
      const { host, agent } = await start();
      agent.emit('t', pending('a1'));
      await settle();
      const [{ id }] = (await host.ok('host.approvals')).approvals;
      const params =
        method === 'host.resolve_approval'
          ? { approval_id: id, resolution: 'approve' }
          : { session_id: 't', approval_id: 'a1', decision: true };
      const reply = host.call(method, { ...params, _meta: OTHER });
      await settle();
      const asked = agent.received('agent.chat.approve').at(-1);
      expect(asked.params).toMatchObject({ approval_id: 'a1', _meta: OTHER });
      agent.answer(asked, { resolved: true });
      await reply;
    },
  );

  it('waits with a chat that waits for its session', async () => {
    const { host, agent } = await start();
    host.post('agents.chat', { agent_id: 'echo', prompt: 'next', session_id: 't', on_busy: 'queue', _meta: OTHER });
    await settle();
    agent.emit('t', { kind: 'done', finish_reason: 'stop' });
    await settle();
    expect(agent.lastChat().params).toMatchObject({ prompt: 'next', _meta: OTHER });
  });

  it('is for an embedder’s method to read', async () => {
    const { broker, host } = startLinked() && (await start());
    const { z } = await import('zod');
    broker.method('who', { schema: z.object({}), handler: (_params, { trace }) => trace ?? null });
    expect(await host.ok('who', { _meta: { ...META, tracestate: 5 } })).toEqual({
      traceparent: META.traceparent,
      baggage: META.baggage,
    });
    expect(await host.ok('who')).toBeNull();
  });
});

describe('the audit', () => {
  it('has the trace of what belongs to one', async () => {
    const { trail, last } = keptTrail();
    const { host, agent, execute, asked, linked } = await start(META, { audit: trail });
    expect(last('turn.open')).toMatchObject({ outcome: 'ok', trace: ID });
    expect(last('session.auth')?.trace).toBeUndefined();
    await execute({ session_id: 't' });
    host.answer(asked(), 1);
    await settle();
    expect(last('tool.run')).toMatchObject({ outcome: 'resolved', trace: ID });
    agent.emit('t', pending('a1'));
    await settle();
    expect(last('approval.raise')).toMatchObject({ trace: ID });
    agent.emit('t', { kind: 'approval_resolved', approval_id: 'a1', resolution: 'deny' });
    await settle();
    expect(last('approval.resolve')).toMatchObject({ trace: ID });
    await host.ok('agents.chat.cancel', { session_id: 't', _meta: OTHER });
    expect(last('turn.cancel')).toMatchObject({ trace: '1'.repeat(32) });
    expect(last('turn.end')).toMatchObject({ outcome: 'cancelled', trace: ID });
    const manager = await linked.manager();
    await manager.ok('agents.upsert', { id: 'bob', _meta: OTHER });
    expect(last('agents.upsert')).toMatchObject({ trace: '1'.repeat(32) });
    await manager.ok('agents.remove', { id: 'bob', _meta: META });
    expect(last('agents.remove')).toMatchObject({ trace: ID });
    await manager.ok('keys.add', { name: 'k', scopes: ['chat'], _meta: META });
    expect(last('keys.add')).toMatchObject({ trace: ID });
  });
});
