import { describe, expect, it, onTestFinished } from 'vitest';
import type { AttachContext, Attached, AttachKind } from '../../attach/attached.ts';
import { Join, type JoinOptions, StartError } from '../../attach/join.ts';
import { AuthError, ConnectionLostError, type Host } from '../../client/node.ts';
import { RealBroker, rejection } from '../client/real-broker.ts';
import { recordingLog } from '../support/kept-log.ts';

/** Joins an agent that is played by the test. */
async function joining(agent: Partial<Attached> = {}, options: Partial<JoinOptions> = {}) {
  const real = await RealBroker.start();
  const { token = '' } = real.broker.upsertAgent({ id: 'a1' });
  const calls: string[] = [];
  let context: AttachContext | undefined;
  const kind: AttachKind = {
    name: 'played',
    open: (given) => {
      context = given;
      return {
        start: async () => void calls.push('start'),
        onChat: async ({ prompt }) => `you said ${prompt}`,
        close: async () => void calls.push('close'),
        ...agent,
      };
    },
  };
  const { log, lines } = recordingLog();
  const link = () => real.broker.connect();
  const join = new Join({
    ...{ kind, agentId: 'a1', connection: { link }, token, log, env: {}, onFailedStart: 'fail' },
    ...options,
  });
  onTestFinished(() => join.close());
  return { real, join, calls, lines, context: () => context as AttachContext };
}

/** The agent's row in `host.agents`, once it is as the test wants it. */
async function rowOf(host: Host, isIt: (row: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
  const { events } = await host.subscribe().then((events) => ({ events }));
  for (;;) {
    const rows = (await host.request('host.agents', {})) as unknown as Record<string, unknown>[];
    const row = rows.find(({ id }) => id === 'a1');
    if (row && isIt(row)) return row;
    await events[Symbol.asyncIterator]().next();
  }
}

describe('an attached agent', () => {
  it('is started, then joined, answers, and is closed after it has left', async () => {
    const { real, join, calls } = await joining();
    await join.start();
    expect(calls).toEqual(['start']);
    const host = await real.host();
    expect(await host.chat('a1', 'hello').text()).toBe('you said hello');
    await join.close();
    expect(calls).toEqual(['start', 'close']);
    expect((await host.agents.list())[0]).toMatchObject({ attached: false });
  });

  it('says how it stands, in the list of agents that hosts see', async () => {
    const { real, join, context } = await joining();
    await join.start();
    const host = await real.host();
    context().report({ mode: 'ask', what: 'Program 1.0', processes: [4711], lastWords: 'oh' });
    const row = await rowOf(host, (row) => row.pid === 4711);
    expect(row).toMatchObject({ kind: 'played', status: 'idle', pid: 4711 });
    expect(row.metadata).toEqual({
      attached: { state: 'ready', mode: 'ask', what: 'Program 1.0', processes: [4711], last_words: 'oh' },
    });
    const { current_task: task } = await rowOf(host, (row) => row.current_task !== null);
    expect(task).toBe('Program 1.0; mode ask; 1 process');
  });

  it('that cannot be started › is not joined', async () => {
    const start = () => Promise.reject(new Error('no such\nprogram'));
    const { real, join } = await joining({ start });
    const error = await rejection(join.start());
    expect(error).toBeInstanceOf(StartError);
    expect(error).toHaveProperty('message', 'no such program');
    expect((await (await real.host()).agents.list())[0]).toMatchObject({ attached: false });
  });

  it('that cannot be started, and is to be tried again › says so to who chats with it, and comes up later', async () => {
    let tries = 0;
    const start = async () => {
      if (++tries === 1) throw new Error('not yet');
    };
    const { real, join, lines } = await joining({ start }, { onFailedStart: 'retry' });
    await join.start();
    const host = await real.host();
    const refusal = await rejection(host.chat('a1', 'x').text());
    expect(refusal).toHaveProperty('data.agent_error.message', 'agent a1 cannot be started: not yet');
    await rowOf(host, ({ status }) => status === 'idle');
    expect(join.status.state).toBe('ready');
    expect(await host.chat('a1', 'x').text()).toBe('you said x');
    expect(lines).toContainEqual({ level: 'error', text: 'an attached agent cannot be started' });
  });

  it('that the broker does not let in › rejects, and one that is replaced is told', async () => {
    const wrong = await joining({}, { token: 'wrong' });
    expect(await rejection(wrong.join.start())).toBeInstanceOf(AuthError);
    const { real, join } = await joining();
    await join.start();
    const { token } = real.broker.upsertAgent({ id: 'a1', rotate_token: true });
    await real.agent(async () => 'x', { agentId: 'a1', token });
    expect(await join.closed).toBeInstanceOf(ConnectionLostError);
    expect(await join.closed).toHaveProperty('closeCode', 4409);
  });
});
