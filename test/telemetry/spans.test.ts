import { describe, expect, it } from 'vitest';
import { parseTraceparent } from '../../protocol/traceparent.ts';
import { settle } from '../support/linked.ts';
import { PARENT_ID, startTraced, TRACE, traceparent } from './support.ts';

describe('the spans of a turn', () => {
  it('are one trace: host, broker, agent, tool', async () => {
    const { collector, telemetry, host, agent, open, execute, asked } = await startTraced();
    const { turn_id } = await open({
      _meta: { traceparent: traceparent(), tracestate: 'rojo=1', baggage: 'user=alice' },
    });
    const { _meta: told } = agent.lastChat().params;
    expect(told).toMatchObject({ tracestate: 'rojo=1', baggage: 'user=alice' });
    agent.emit('s', { kind: 'token', delta: 'a' });
    const own = `00-${TRACE}-00000000000000aa-01`;
    await execute({ action_id: 'call_1', _meta: { traceparent: own } });
    const asking = asked();
    host.answer(asking, { found: 1 });
    agent.emit('s', { kind: 'token', delta: 'b' });
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await settle();
    await telemetry.flush();

    const [chat, invoked, tool] = ['agents.chat', 'invoke_agent echo', 'execute_tool clock'].map((name) =>
      collector.span(name),
    );
    expect(collector.spans.map(({ traceId }) => traceId)).toEqual([TRACE, TRACE, TRACE]);
    expect(chat).toMatchObject({
      kind: 'server',
      parentSpanId: PARENT_ID,
      hasFailed: false,
      attributes: {
        'rpc.system': 'jsonrpc',
        'rpc.method': 'agents.chat',
        'gen_ai.agent.id': 'echo',
        'gen_ai.conversation.id': 's',
        'switchboard.tenant': 'default',
        'switchboard.ending': 'done',
        'switchboard.deltas': 2,
      },
      resource: {
        'service.name': 'switchboard',
        'service.version': expect.any(String),
        'service.instance.id': expect.any(String),
      },
    });
    expect(invoked).toMatchObject({
      kind: 'client',
      parentSpanId: chat?.spanId,
      events: ['first_token'],
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.agent.id': 'echo',
        'gen_ai.conversation.id': 's',
        'switchboard.turn.id': turn_id,
        'switchboard.bytes': expect.any(Number),
      },
    });
    expect(tool).toMatchObject({
      kind: 'internal',
      parentSpanId: '00000000000000aa',
      attributes: {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'clock',
        'gen_ai.tool.call.id': 'call_1',
        'switchboard.ending': 'resolved',
      },
    });
    expect(parseTraceparent(told.traceparent)).toEqual({ traceId: TRACE, spanId: invoked?.spanId, isSampled: true });
    expect(parseTraceparent(asking.params._meta.traceparent)).toMatchObject({ traceId: TRACE, spanId: tool?.spanId });
    expect(chat && invoked && chat.startNs <= invoked.startNs).toBe(true);
  });

  it('have nothing of what was said, and no baggage', async () => {
    const { collector, telemetry, agent, open, execute } = await startTraced();
    await open({
      prompt: 'the secret',
      context: { a: 'the secret' },
      _meta: { traceparent: traceparent(), baggage: 'a=the-secret' },
    });
    await execute({ parameters: { a: 'the secret' } });
    agent.emit('s', { kind: 'token', delta: 'the secret' });
    agent.emit('s', { kind: 'error', error: 'the secret' });
    await settle();
    await telemetry.flush();
    expect(collector.spans).toHaveLength(3);
    expect(JSON.stringify(collector.spans, (_, value) => (typeof value === 'bigint' ? 0 : value))).not.toMatch(
      /secret/,
    );
    expect(collector.span('agents.chat')).toMatchObject({ hasFailed: true, attributes: { 'error.type': 'failed' } });
    expect(collector.span('execute_tool clock').attributes).toMatchObject({ 'switchboard.ending': 'cancelled' });
  });

  it('begin a trace where nobody has, and a tool call without one is the turn’s', async () => {
    const { collector, telemetry, host, agent, open, execute, asked } = await startTraced();
    await open({ _meta: { traceparent: 'malformed' }, conversation_id: 'c' });
    await execute();
    host.answer(asked(), null);
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await settle();
    await telemetry.flush();
    const chat = collector.span('agents.chat');
    expect(chat.parentSpanId).toBe('');
    expect(chat.attributes['gen_ai.conversation.id']).toBe('c');
    expect(collector.span('execute_tool clock').parentSpanId).toBe(collector.span('invoke_agent echo').spanId);
    expect(new Set(collector.spans.map(({ traceId }) => traceId)).size).toBe(1);
  });

  it.each([
    ['its sender has not sampled it', { _meta: { traceparent: traceparent('00') } }, {}, TRACE],
    ['none that begins here is', {}, { sampleRatio: 0 }, expect.any(String)],
  ])('are none where %s; the agent hears of the trace all the same', async (_why, params, sending, traceId) => {
    const { collector, telemetry, agent, open, execute, asked } = await startTraced({}, sending);
    await open(params);
    await execute();
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await settle();
    await telemetry.flush();
    expect(collector.heard).not.toContain('/v1/traces');
    for (const { _meta } of [agent.lastChat().params, asked().params])
      expect(parseTraceparent(_meta.traceparent)).toMatchObject({ traceId, isSampled: false });
    expect(telemetry.state).toMatchObject({ exported: 0, dropped: 0, waiting: 0 });
  });

  it('are there of a sampled trace, whatever share of the others is', async () => {
    const { collector, telemetry, agent, open } = await startTraced({}, { sampleRatio: 0 });
    await open({ _meta: { traceparent: traceparent() } });
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await settle();
    await telemetry.flush();
    expect(collector.spans).toHaveLength(2);
  });

  it('say when it was detached and taken up; whoever took it over has a span that leads to it', async () => {
    const { collector, telemetry, linked, host, agent, open, execute, asked } = await startTraced();
    const { resume_token } = await open({ resume_window_ms: 60_000, _meta: { traceparent: traceparent() } });
    host.close();
    await settle();
    const other = await linked.host();
    await other.ok('tools.register', [{ name: 'clock' }]);
    const theirs = 'f'.repeat(32);
    const taking = { session_id: 's', resume_token, _meta: { traceparent: traceparent('01', theirs) } };
    await other.ok('agents.chat.subscribe', taking);
    // Again by the same: nothing has changed.
    await other.ok('agents.chat.subscribe', taking);
    await execute();
    expect(other.received('tools.execute')).toHaveLength(1);
    expect(asked()).toBeUndefined();
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await settle();
    await telemetry.flush();
    const chat = collector.span('agents.chat');
    expect(chat.events).toEqual(['detached', 'resumed']);
    expect(collector.span('agents.chat.subscribe')).toMatchObject({
      kind: 'server',
      traceId: theirs,
      parentSpanId: PARENT_ID,
      links: [{ traceId: TRACE, spanId: chat.spanId }],
      attributes: { 'switchboard.ending': 'done' },
    });
    expect(collector.span('execute_tool clock').traceId).toBe(TRACE);
  });

  it('say how long a tool call waited for a person', async () => {
    const gated = { approvals: { methods: ['tools.execute'] } };
    const { collector, telemetry, host, open, execute, asked } = await startTraced(gated);
    await open();
    await execute();
    const [{ id }] = (await host.ok('host.approvals')).approvals;
    await host.ok('host.resolve_approval', { approval_id: id, resolution: 'approve' });
    host.answer(asked(), 1);
    await settle();
    await telemetry.flush();
    expect(collector.span('execute_tool clock').events).toEqual(['parked', 'approved']);
  });
});

describe('a chat that becomes no turn', () => {
  it('because it is refused › has a span with its error', async () => {
    const { collector, telemetry, host, agent, open } = await startTraced();
    await host.call('agents.chat', { agent_id: 'nobody', prompt: 'hi' });
    const id = host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 'r' });
    await settle();
    agent.send({ jsonrpc: '2.0', id: agent.lastChat().id, error: { code: 5, message: 'no' } });
    await settle();
    expect(host.replyTo(id).error.code).toBe(-32012);
    await open();
    await host.call('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's' });
    await telemetry.flush();
    const told = collector.spans
      .filter(({ name }) => name === 'agents.chat')
      .map(({ hasFailed, attributes }) => [
        hasFailed,
        attributes['rpc.jsonrpc.error_code'],
        attributes['switchboard.ending'],
      ]);
    expect(told).toEqual([
      [true, -32011, 'refused'],
      [true, undefined, 'refused'],
      [true, -32010, 'refused'],
    ]);
  });

  it('because its host goes, or cancels it, while it waits › has its end', async () => {
    const { collector, telemetry, linked, host, open } = await startTraced();
    await open();
    for (const session_id of ['s', 's'])
      host.post('agents.chat', { agent_id: 'echo', prompt: 'x', session_id, on_busy: 'queue' });
    await settle();
    host.close();
    await settle();
    await telemetry.flush();
    const endings = collector.spans
      .filter(({ name }) => name === 'agents.chat')
      .map(({ attributes }) => attributes['switchboard.ending']);
    expect(endings.sort()).toEqual(['abandoned', 'dropped', 'dropped']);
    expect(linked.broker.version).toBeDefined();
  });

  it('because the broker stops › has its end', async () => {
    const { collector, telemetry, host, open, broker, linked } = await startTraced({
      limits: { drainTimeoutMs: 1_000 },
    });
    await open();
    host.post('agents.chat', { agent_id: 'echo', prompt: 'x', session_id: 's', on_busy: 'queue' });
    await settle();
    const closed = broker.close();
    await linked.advance(1_000);
    await linked.advance(5_000);
    await closed;
    await telemetry.close();
    const endings = collector.spans
      .filter(({ name }) => name === 'agents.chat')
      .map(({ attributes }) => attributes['switchboard.ending']);
    expect(endings.sort()).toEqual(['failed', 'refused']);
  });
});

describe('a telemetry of an embedder’s own', () => {
  it('that throws costs spans, and no turn', async () => {
    const { startLinked, openChat } = await import('../support/linked.ts');
    const said: string[] = [];
    const none = () => {};
    const log = { debug: none, info: none, warn: none, error: (_: object, what: string) => void said.push(what) };
    const broken = () => {
      throw new Error('broken');
    };
    const state = { exported: 0, dropped: 0, failed: 0, waiting: 0, failures: { traces: 0, metrics: 0 } };
    let starts = 0;
    const start = () => {
      starts += 1;
      if (starts === 1) throw new Error('broken');
      return { traceparent: traceparent(), isRecording: true, event: broken, end: broken };
    };
    const linked = startLinked({ telemetry: { start, state }, log });
    const [host, agent] = [await linked.host(), await linked.agent('echo')];
    for (const session_id of ['a', 'b']) {
      await openChat(host, agent, { agent_id: 'echo', session_id });
      agent.emit(session_id, { kind: 'token', delta: 'x' });
      agent.emit(session_id, { kind: 'done', finish_reason: 'stop' });
      await settle();
      expect(host.events(session_id).map(({ kind }) => kind)).toEqual(['token', 'done']);
    }
    expect(said).toContain('the telemetry has thrown');
    await linked.broker.close();
  });

  it.each([
    [{}, 'telemetry.start must be a function'],
    [{ start: () => {} }, 'telemetry.state must be an object'],
    [{ start: () => {}, state: {}, measure: 1 }, 'telemetry.measure must be a function'],
  ])('that lacks something is refused: %j', async (telemetry, why) => {
    const { createBroker } = await import('../../broker.ts');
    expect(() => createBroker({ telemetry: telemetry as never })).toThrow(why);
  });
});
