import { describe, expect, it, onTestFinished } from 'vitest';
import { connectAgent, connectHost, type OnChat, ToolCallCancelled } from '../../client/node.ts';
import { aborted, deferred } from './real-broker.ts';
import { type Message, ScriptedBroker, type Wire } from './scripted-broker.ts';

async function connectedHost() {
  const broker = await ScriptedBroker.start();
  onTestFinished(() => broker.stop());
  const connecting = connectHost({ url: broker.url, token: 'secret' });
  const wire = await broker.accept();
  await wire.authenticate();
  const host = await connecting;
  /** Registers a tool whose call waits until the test lets it go on. */
  const offer = async (answer: () => unknown) => {
    const started = deferred<AbortSignal>();
    const go = deferred();
    const offering = host.tool('work', {}, async (_args, { signal }) => {
      started.resolve(signal);
      await go.promise;
      return answer();
    });
    const { id, params } = await wire.receive('session.init');
    expect(params).toEqual({ tools: [{ name: 'work' }], params_once: true });
    wire.send({ id: id as number, result: 1 });
    await offering;
    return { started: started.promise, go: go.resolve };
  };
  return { host, wire, offer };
}

const execute = (id: string, fields: object = {}): Message => ({
  id,
  method: 'tools.execute',
  params: {
    action_id: 'a',
    tool: 'work',
    parameters: {},
    params: {},
    timeout_ms: 1,
    attempt: 1,
    request_id: id,
    ...fields,
  },
});
const cancel = (id: string, reason = 'timeout'): Message => ({
  method: 'tools.cancel',
  params: { request_id: id, action_id: 'a', reason },
});

async function connectedAgent(onChat: OnChat, onError?: (error: unknown) => void) {
  const broker = await ScriptedBroker.start();
  onTestFinished(() => broker.stop());
  const connecting = connectAgent({
    url: broker.url,
    agentId: 'echo',
    token: 'secret',
    onChat,
    onError,
    reconnect: false,
  });
  const wire = await broker.accept();
  await wire.authenticate({ agent_id: 'echo' });
  await connecting;
  const params = { session_id: 's1', turn_id: 't1', prompt: 'go', stream: true, context: {} };
  wire.send({ id: 'chat', method: 'agent.chat', params });
  expect(await wire.receive()).toMatchObject({ id: 'chat', result: { accepted: true } });
  return wire;
}

describe('a host › asked to run a tool', () => {
  it.each([
    ['a result', () => 'late'],
    [
      'an error',
      () => {
        throw new Error('late');
      },
    ],
  ])('when it is cancelled › %s that comes late is not sent', async (_what, answer) => {
    const { wire, offer } = await connectedHost();
    const work = await offer(answer);
    wire.send(execute('cb-1'));
    const signal = await work.started;
    wire.send(cancel('cb-1', 'agent_withdrew'));
    await aborted(signal);
    expect(signal.reason).toBeInstanceOf(ToolCallCancelled);
    expect(signal.reason).toMatchObject({ reason: 'agent_withdrew' });
    work.go();
    expect(await wire.settled()).toEqual([]);
  });

  it('when a cancel names another call › goes on', async () => {
    const { wire, offer } = await connectedHost();
    const work = await offer(() => 'done');
    wire.send(execute('cb-1'));
    const signal = await work.started;
    wire.send(cancel('cb-2'), { method: 'tools.cancel', params: { request_id: 'cb-1' } });
    expect(await wire.settled()).toEqual([]);
    expect(signal.aborted).toBe(false);
    work.go();
    expect(await wire.receive()).toEqual({ jsonrpc: '2.0', id: 'cb-1', result: 'done' });
  });

  it('when the connection is lost › the signal aborts', async () => {
    const { wire, offer } = await connectedHost();
    const work = await offer(() => 1);
    wire.send(execute('cb-1'));
    const signal = await work.started;
    wire.terminate();
    await aborted(signal);
    expect(signal.reason).toMatchObject({ reason: 'connection_lost' });
  });

  it('when it has no such tool › answers -32019', async () => {
    const { wire } = await connectedHost();
    wire.send(execute('cb-1'));
    expect(await wire.receive()).toMatchObject({ id: 'cb-1', error: { code: -32019 } });
  });

  it('when that is no proper request › answers -32602', async () => {
    const { wire } = await connectedHost();
    wire.send({ id: 'cb-1', method: 'tools.execute', params: { tool: 7 } });
    expect(await wire.receive()).toMatchObject({ id: 'cb-1', error: { code: -32602 } });
  });

  it('when the broker refuses a registration › the tool that it would have replaced is still there', async () => {
    const { host, wire, offer } = await connectedHost();
    const work = await offer(() => 'first');
    const replacing = host.tool('work', {}, () => 'second').catch((error: unknown) => error);
    const { id } = await wire.receive('session.init');
    wire.send({ id: id as number, error: { code: -32020, message: 'limit exceeded' } });
    expect(await replacing).toMatchObject({ code: -32020 });
    wire.send(execute('cb-1'));
    work.go();
    expect(await wire.receive()).toMatchObject({ id: 'cb-1', result: 'first' });
  });
});

describe('an agent › running a tool', () => {
  it('asks for what it is given, and `{}` where that is nothing', async () => {
    const wire = await connectedAgent(async ({ tools }) => {
      await tools.call('work');
      await tools.call('work', null, { timeoutMs: 5, actionId: 'a', attempt: 2 });
    });
    const first = await wire.receive('tools.execute');
    expect(first.params).toEqual({ session_id: 's1', tool: 'work', parameters: {} });
    wire.send({ id: first.id as number, result: 1 });
    const { params } = await wire.receive('tools.execute');
    const fields = { timeout_ms: 5, action_id: 'a', attempt: 2 };
    expect(params).toEqual({ session_id: 's1', tool: 'work', parameters: null, ...fields });
  });

  it('when the turn is cancelled › withdraws the call by its id, once', async () => {
    const wire = await connectedAgent(async ({ tools }) => void (await tools.call('work')));
    const { id } = await wire.receive('tools.execute');
    wire.send({ method: 'agent.chat.cancel', params: { session_id: 's1', turn_id: 't1', reason: 'host_cancelled' } });
    expect((await wire.receive('tools.cancel')).params).toEqual({ id });
    expect((await wire.receive('agent.chat.event')).params).toMatchObject({
      kind: 'done',
      finish_reason: 'cancelled',
    });
    wire.send({ id: id as number, error: { code: -32018, message: 'tool cancelled' } });
    expect(await wire.settled()).toEqual([]);
  });

  it.each([
    ['turn_ended', { kind: 'done', finish_reason: 'cancelled' }, 0],
    ['host_disconnected', { kind: 'done', finish_reason: 'cancelled' }, 0],
    ['draining', { kind: 'done', finish_reason: 'cancelled' }, 0],
    ['agent_withdrew', { kind: 'error', error: 'tool cancelled' }, 1],
  ])('when it is cancelled as %s before the turn is › the turn ends in %j', async (reason, terminal, told) => {
    const errors: unknown[] = [];
    const wire = await connectedAgent(
      async ({ tools }) => void (await tools.call('work')),
      (error) => errors.push(error),
    );
    const { id } = await wire.receive('tools.execute');
    wire.send({ id: id as number, error: { code: -32018, message: 'tool cancelled', data: { reason } } });
    expect((await wire.receive('agent.chat.event')).params).toMatchObject(terminal);
    expect(errors).toHaveLength(told);
  });

  it('when a call is over › later progress and an aborted signal are of no interest', async () => {
    const heard: unknown[] = [];
    const controller = new AbortController();
    const wire: Wire = await connectedAgent(async ({ tools }) => {
      await tools.call('work', {}, { signal: controller.signal, onProgress: (step) => heard.push(step) });
    });
    const { id } = await wire.receive('tools.execute');
    const progress = { method: 'tools.progress', params: { request_id: id, progress: 1 } };
    wire.send(progress, { id: id as number, result: 1 }, progress);
    await wire.receive('agent.chat.event');
    controller.abort();
    expect(await wire.settled()).toEqual([]);
    expect(heard).toEqual([{ progress: 1, message: undefined }]);
  });

  it('when its arguments are nothing that JSON can write › rejects, and the turn ends in an error', async () => {
    const wire = await connectedAgent(async ({ tools }) => void (await tools.call('work', 1n)));
    expect((await wire.receive('agent.chat.event')).params).toMatchObject({ kind: 'error' });
  });

  it('offers what the context holds, without what is no tool', async () => {
    const broker = await ScriptedBroker.start();
    onTestFinished(() => broker.stop());
    const seen = deferred<unknown>();
    const onChat: OnChat = async ({ tools }) => seen.resolve(tools.list);
    const connecting = connectAgent({ url: broker.url, agentId: 'echo', onChat, reconnect: false });
    const wire = await broker.accept();
    await wire.authenticate();
    await connecting;
    const context = { tools: [{ name: 'a' }, 7, { description: 'none' }, null] };
    const params = { session_id: 's1', turn_id: 't1', prompt: 'go', stream: true, context };
    wire.send({ id: 'chat', method: 'agent.chat', params });
    expect(await seen.promise).toEqual([{ name: 'a' }]);
  });
});
