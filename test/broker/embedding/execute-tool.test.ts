import { expect, test } from 'vitest';
import { ErrorCode, type ExecuteToolOptions, WireError } from '../../../broker.ts';
import { openChat, settle, startLinked } from '../../support/linked.ts';
import { readDrops, readMetric } from '../../support/metrics.ts';

/* A tool that the embedding API runs on any connection, without a session (wire.md section 7). */

type Outcome = { result: unknown } | { error: WireError };

/** A host with the tool `clock`, and how a call of the embedder's ended. */
async function setUp(options = {}) {
  const linked = startLinked(options);
  const host = await linked.host();
  const { session_id } = await host.ok('session.init', { tools: [{ name: 'clock' }] });
  const run = (parameters: unknown = {}, how?: ExecuteToolOptions, tool = 'clock', id = session_id) => {
    const call: { outcome?: Outcome } = {};
    linked.broker.executeTool(id, tool, parameters, how).then(
      (result) => {
        call.outcome = { result };
      },
      (error) => {
        call.outcome = { error };
      },
    );
    return call;
  };
  return {
    linked,
    broker: linked.broker,
    host,
    id: session_id as string,
    run,
    asked: () => host.received('tools.execute').at(-1),
    cancels: () => host.received('tools.cancel').map((frame) => frame.params),
  };
}

/** A failed call's error, in short. */
function errorOf({ outcome }: { outcome?: Outcome }) {
  if (!outcome || !('error' in outcome)) throw new Error(`no error: ${JSON.stringify(outcome)}`);
  expect(outcome.error).toBeInstanceOf(WireError);
  return { code: outcome.error.code, data: outcome.error.data };
}

test('executeTool › when it is called › then the host is asked, without a session', async () => {
  const { run, asked } = await setUp();
  run({ zone: null }, { actionId: 'act', timeoutMs: 1_234 });
  run(false);
  await settle();
  expect(asked()).toEqual({
    jsonrpc: '2.0',
    id: 'cb-2',
    method: 'tools.execute',
    params: {
      action_id: '',
      tool: 'clock',
      parameters: false,
      params: false,
      timeout_ms: 300_000,
      attempt: 1,
      request_id: 'cb-2',
    },
  });
});

test('executeTool › when it is told more › then the host reads it', async () => {
  const { run, asked } = await setUp();
  run({ zone: null }, { actionId: 'act', timeoutMs: 1_234 });
  await settle();
  expect(asked().params).toMatchObject({ action_id: 'act', timeout_ms: 1_234, parameters: { zone: null } });
});

test.each([null, false, 0, '', { a: [null] }])(
  'executeTool › when the host answers %j › then it resolves to just that',
  async (result) => {
    const { host, run, asked } = await setUp();
    const call = run();
    await settle();
    expect(call.outcome).toBeUndefined();
    host.answer(asked(), result);
    await settle();
    expect(call.outcome).toEqual({ result });
  },
);

test('executeTool › when the host answers with an error › then it rejects with its code, message and data', async () => {
  const { host, run, asked } = await setUp();
  const call = run();
  await settle();
  host.send({ jsonrpc: '2.0', id: asked().id, error: { code: 7, message: 'no clock', data: { tried: [1] } } });
  await settle();
  expect(errorOf(call)).toEqual({ code: 7, data: { tried: [1] } });
  expect((call.outcome as { error: WireError }).error.message).toBe('no clock');
});

test('executeTool › when there is no such connection, or no more › then -32014', async () => {
  const { host, run } = await setUp();
  const unknown = run({}, {}, 'clock', 'client-none');
  await settle();
  expect(errorOf(unknown).code).toBe(ErrorCode.NotFound);
  host.close();
  await settle();
  const gone = run();
  await settle();
  expect(errorOf(gone).code).toBe(ErrorCode.NotFound);
});

test('executeTool › when the connection has no such tool › then -32019', async () => {
  const { host, run } = await setUp();
  const call = run({}, {}, 'constructor');
  await settle();
  expect(errorOf(call).code).toBe(ErrorCode.ToolUnavailable);
  expect(host.received('tools.execute')).toEqual([]);
});

test('executeTool › when an agent, or the host role, has a tool › then it runs there, too', async () => {
  const { linked, run } = await setUp();
  for (const client of [await linked.agent('echo'), await linked.manager()]) {
    const { session_id } = await client.ok('session.init', { tools: [{ name: 'own' }] });
    const call = run(1, {}, 'own', session_id);
    await settle();
    client.answer(client.received('tools.execute')[0], 2);
    await settle();
    expect(call.outcome).toEqual({ result: 2 });
  }
});

test('executeTool › when its time is over › then -32017, the host is told, and a late answer is dropped and counted', async () => {
  const { linked, broker, host, run, asked, cancels } = await setUp();
  const call = run({}, { timeoutMs: 1_000, actionId: 'act' });
  await linked.advance(999);
  expect(call.outcome).toBeUndefined();
  await linked.advance(21);
  expect(errorOf(call).code).toBe(ErrorCode.ToolTimeout);
  expect(cancels()).toEqual([{ request_id: 'cb-1', action_id: 'act', reason: 'timeout' }]);
  host.answer(asked(), 1);
  await settle();
  expect(await readDrops(broker)).toEqual({ late_response: 1 });
});

test('executeTool › when the host reports progress › then the time starts anew, up to ten times as long', async () => {
  const { linked, host, run } = await setUp();
  const call = run({}, { timeoutMs: 1_000 });
  for (let n = 0; n < 11; n += 1) {
    await linked.advance(900);
    expect(call.outcome).toBeUndefined();
    host.notify('tools.progress', { request_id: 'cb-1', progress: n });
  }
  await linked.advance(120);
  expect(errorOf(call).code).toBe(ErrorCode.ToolTimeout);
});

test('executeTool › when its signal is aborted › then -32018, and the host is told', async () => {
  const { linked, host, run, asked, cancels } = await setUp();
  const abort = new AbortController();
  const call = run({}, { signal: abort.signal });
  await settle();
  abort.abort();
  await settle();
  expect(errorOf(call)).toEqual({ code: ErrorCode.ToolCancelled, data: { reason: 'agent_withdrew' } });
  expect(cancels()).toEqual([{ request_id: 'cb-1', action_id: '', reason: 'agent_withdrew' }]);
  host.answer(asked(), 1);
  await linked.advance(600_000);
  expect(cancels()).toHaveLength(1);
});

test('executeTool › when its signal was aborted before › then -32018, and the host hears nothing', async () => {
  const { broker, host, run } = await setUp();
  const call = run({}, { signal: AbortSignal.abort() });
  await settle();
  expect(errorOf(call).code).toBe(ErrorCode.ToolCancelled);
  expect(host.received('tools.execute')).toEqual([]);
  expect(await readMetric(broker, 'callbacks_total')).toEqual({});
});

test('executeTool › when its signal is aborted after it has ended › then nothing happens', async () => {
  const { host, run, asked, cancels } = await setUp();
  const abort = new AbortController();
  const call = run({}, { signal: abort.signal });
  await settle();
  host.answer(asked(), 'noon');
  await settle();
  abort.abort();
  await settle();
  expect(call.outcome).toEqual({ result: 'noon' });
  expect(cancels()).toEqual([]);
});

test('executeTool › when the host disconnects › then -32018 host_disconnected', async () => {
  const { linked, broker, host, run } = await setUp();
  const call = run({}, { timeoutMs: 1_000 });
  await settle();
  host.close();
  await settle();
  expect(errorOf(call)).toEqual({ code: ErrorCode.ToolCancelled, data: { reason: 'host_disconnected' } });
  await linked.advance(60_000);
  expect(await readMetric(broker, 'callbacks_total')).toEqual({ cancelled: 1 });
});

test('executeTool › when the broker stops › then -32018 draining, and the host is told before its connection closes', async () => {
  const { broker, host, run, cancels } = await setUp();
  const call = run();
  await settle();
  await broker.close();
  await settle();
  expect(errorOf(call)).toEqual({ code: ErrorCode.ToolCancelled, data: { reason: 'draining' } });
  expect(cancels()).toEqual([{ request_id: 'cb-1', action_id: '', reason: 'draining' }]);
  expect(host.closed).toBe(1001);
  const after = run();
  await settle();
  expect(errorOf(after).code).toBe(ErrorCode.NotFound);
});

test('executeTool › when the broker drains and a turn is live › then it goes on until the turn has ended', async () => {
  const { linked, broker, host, run, asked } = await setUp();
  const agent = await linked.agent('echo');
  await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  const early = run();
  await settle();
  void broker.close();
  await settle();
  host.answer(asked(), 1);
  await settle();
  expect(early.outcome).toEqual({ result: 1 });
  const late = run();
  await settle();
  expect(late.outcome).toBeUndefined();
  await linked.advance(10_000);
  expect(errorOf(late).data).toEqual({ reason: 'draining' });
});

test('executeTool › when 64 are pending on a connection › then the next rejects with -32020, and a turn’s tools do not count', async () => {
  const { linked, host, run } = await setUp();
  const agent = await linked.agent('echo');
  await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  agent.post('tools.execute', { session_id: 's', tool: 'clock', parameters: {} });
  await settle();
  const calls = Array.from({ length: 65 }, () => run());
  await settle();
  expect(calls.filter((call) => call.outcome)).toEqual([calls[64]]);
  expect(errorOf(calls[64] ?? {})).toEqual({
    code: ErrorCode.LimitExceeded,
    data: { limit: { name: 'max_pending_tools', value: 64 } },
  });
});

test('executeTool › when its tool is in the gate’s set › then it runs: the embedder needs nobody’s word', async () => {
  const { host, run } = await setUp({ approvals: { methods: ['tools.execute', 'tools.execute:clock'] } });
  run();
  await settle();
  expect(host.received('tools.execute')).toHaveLength(1);
});

test('executeTool › when a turn of that connection ends › then it goes on', async () => {
  const { linked, host, run, asked, cancels } = await setUp();
  const agent = await linked.agent('echo');
  await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
  const call = run();
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  await settle();
  expect(cancels()).toEqual([]);
  host.answer(asked(), 1);
  await settle();
  expect(call.outcome).toEqual({ result: 1 });
});

test('executeTool › when its parameters are no JSON › then it rejects, and the host’s connection lives on', async () => {
  const { host, run } = await setUp();
  const loop: unknown[] = [];
  loop.push(loop);
  for (const parameters of [loop, { n: Number.NaN }, () => 1]) {
    const call = run(parameters);
    await settle();
    expect(errorOf(call)).toMatchObject({ code: ErrorCode.InvalidParams, data: { issues: [{ path: 'parameters' }] } });
  }
  expect(host.received('tools.execute')).toEqual([]);
  expect((await host.ok('tools.list')).count).toBe(1);
});
