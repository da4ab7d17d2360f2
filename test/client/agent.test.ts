import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Agent,
  type AgentEvent,
  type AgentOptions,
  connectAgent,
  type OnChat,
  RejectChat,
  type Turn,
  TurnCancelled,
} from '../../client/node.ts';
import { type Message, ScriptedBroker, type Wire } from './scripted-broker.ts';

let broker: ScriptedBroker;
let agent: Agent;
let wire: Wire;

beforeEach(async () => {
  broker = await ScriptedBroker.start();
});
afterEach(async () => {
  await agent.close();
  await broker.stop();
});

async function connect(onChat: OnChat, options: Partial<AgentOptions> = {}): Promise<void> {
  const connecting = connectAgent({ url: broker.url, agentId: 'echo', token: 'secret', onChat, ...options });
  wire = await broker.accept();
  await wire.authenticate({ agent_id: 'echo' });
  agent = await connecting;
}

/** Sends a turn. Returns the request's id. */
function send(prompt = 'hello', turn = 't1'): string {
  const params = {
    session_id: 's1',
    turn_id: turn,
    prompt,
    stream: true,
    context: { host_client_id: 'h' },
    model: 'm',
  };
  wire.send({ id: `chat-${turn}`, method: 'agent.chat', params });
  return `chat-${turn}`;
}

/** Sends a turn and waits for its ack. */
function chat(prompt?: string, turn?: string): Promise<Message> {
  send(prompt, turn);
  return wire.receive();
}

function cancel(turn = 't1', reason = 'host_cancelled'): void {
  wire.send({ method: 'agent.chat.cancel', params: { session_id: 's1', turn_id: turn, reason } });
}

/** The turn's events up to its terminal, without the ids. */
async function events(): Promise<object[]> {
  const seen: object[] = [];
  for (;;) {
    const { params } = await wire.receive('agent.chat.event');
    const { session_id, turn_id, ...fields } = params;
    expect({ session_id, turn_id }).toEqual({ session_id: 's1', turn_id: 't1' });
    seen.push(fields);
    if (['done', 'error', 'auth_required'].includes(fields.kind)) return seen;
  }
}

const stop = { kind: 'done', finish_reason: 'stop' };
const cancelled = { kind: 'done', finish_reason: 'cancelled' };
const token = (delta: string) => ({ kind: 'token', delta });

/** Resolves when the signal aborts. */
const aborted = (signal: AbortSignal) => new Promise((resolve) => signal.addEventListener('abort', resolve));

describe('connectAgent › a turn', () => {
  it('is accepted first, and then streamed from a generator', async () => {
    await connect(async function* ({ prompt }) {
      yield prompt;
      yield { kind: 'tool_call', tool: 'search' };
      yield '!';
    });
    expect(await chat('hello')).toMatchObject({ id: 'chat-t1', result: { accepted: true } });
    expect(await events()).toEqual([token('hello'), { kind: 'tool_call', tool: 'search' }, token('!'), stop]);
  });

  it('gives what the wire says', async () => {
    let seen: Turn | undefined;
    await connect(async (turn) => {
      seen = turn;
    });
    await chat();
    await events();
    expect(seen).toMatchObject({ sessionId: 's1', turnId: 't1', prompt: 'hello', context: { host_client_id: 'h' } });
    expect(seen?.params.model).toBe('m');
  });

  it('may be a function that streams by turn.token and turn.event', async () => {
    await connect(async (turn) => {
      turn.token('a');
      await null;
      turn.event({ kind: 'my_own', value: 1 });
    });
    await chat();
    expect(await events()).toEqual([token('a'), { kind: 'my_own', value: 1 }, stop]);
  });

  it('may be a function that returns the answer', async () => {
    await connect(async ({ prompt }) => prompt.toUpperCase());
    await chat();
    expect(await events()).toEqual([token('HELLO'), stop]);
  });

  it('when a function streams and returns the answer too › the answer is the text of done', async () => {
    await connect(async (turn) => {
      turn.token('a');
      turn.token('b');
      return 'ab';
    });
    await chat();
    expect(await events()).toEqual([token('a'), token('b'), { ...stop, text: 'ab' }]);
  });

  it('when the generator yields a terminal › nothing follows it, and its finally runs', async () => {
    let cleaned = false;
    await connect(async function* () {
      try {
        yield { kind: 'done', finish_reason: 'length' } as AgentEvent;
        yield 'never';
      } finally {
        cleaned = true;
      }
    });
    await chat();
    expect(await events()).toEqual([{ kind: 'done', finish_reason: 'length' }]);
    expect(await wire.settled()).toEqual([]);
    expect(cleaned).toBe(true);
  });

  it('when it throws › the host is sent an error with the message, and onError hears it', async () => {
    const errors: unknown[] = [];
    await connect(
      async function* () {
        yield 'a';
        throw new Error('broken');
      },
      { onError: (error, turn) => errors.push([error, turn.turnId]) },
    );
    await chat();
    expect(await events()).toEqual([token('a'), { kind: 'error', error: 'broken' }]);
    expect(errors).toEqual([[new Error('broken'), 't1']]);
  });

  it.each([
    ['a terminal without its fields', { kind: 'done' }],
    ['a kind that is none', { kind: 7 }],
    ['no event at all', 7],
    ['what JSON cannot write', { kind: 'x', n: 1n }],
  ])('when it yields %s › ends in an error, so that the host is not left waiting', async (_what, item) => {
    await connect(async function* () {
      yield item as AgentEvent;
    });
    await chat();
    expect(await events()).toEqual([{ kind: 'error', error: expect.any(String) }]);
  });

  it('when its parameters are wrong › is answered -32602', async () => {
    await connect(async () => 'x');
    wire.send({ id: 'c', method: 'agent.chat', params: { prompt: 1 } });
    expect(await wire.receive()).toMatchObject({ id: 'c', error: { code: -32602 } });
  });

  it('when turns overlap › they do not wait for each other', async () => {
    await connect(async function* ({ prompt, signal }) {
      if (prompt === 'wait') await aborted(signal);
      yield prompt;
    });
    await chat('wait', 't0');
    await chat('go', 't1');
    expect(await events()).toEqual([token('go'), stop]);
  });
});

describe('connectAgent › accept', () => {
  it('when it throws RejectChat › the turn is refused with its code and data, and does not run', async () => {
    let ran = false;
    await connect(
      async () => {
        ran = true;
      },
      {
        accept: ({ prompt }) => {
          throw new RejectChat(`not ${prompt}`, { code: -32050, data: { why: 'busy' } });
        },
      },
    );
    expect(await chat()).toEqual({
      jsonrpc: '2.0',
      id: 'chat-t1',
      error: { code: -32050, message: 'not hello', data: { why: 'busy' } },
    });
    expect(await wire.settled()).toEqual([]);
    expect(ran).toBe(false);
  });

  it('when it resolves › the turn runs', async () => {
    await connect(async () => 'yes', { accept: async () => {} });
    expect(await chat()).toMatchObject({ result: { accepted: true } });
    expect(await events()).toEqual([token('yes'), stop]);
  });

  it('when the turn is cancelled meanwhile › it never runs', async () => {
    let ran = false;
    let admit = () => {};
    const gate = new Promise<void>((resolve) => {
      admit = resolve;
    });
    await connect(
      async () => {
        ran = true;
      },
      { accept: () => gate },
    );
    const answer = send();
    cancel();
    expect(await wire.settled()).toEqual([]);
    admit();
    expect(await wire.receive()).toMatchObject({ id: answer, result: { accepted: false } });
    expect(await wire.settled()).toEqual([]);
    expect(ran).toBe(false);
  });
});

describe('connectAgent › agent.chat.cancel', () => {
  it('aborts the signal with the reason, and a generator that returns ends as cancelled', async () => {
    let reason: unknown;
    await connect(async function* ({ signal }) {
      yield 'a';
      await aborted(signal);
      reason = signal.reason;
      yield 'never sent';
    });
    await chat();
    cancel();
    expect(await events()).toEqual([token('a'), cancelled]);
    expect(reason).toBeInstanceOf(TurnCancelled);
    expect(reason).toMatchObject({ reason: 'host_cancelled' });
  });

  it('when the agent throws because of it › that is no error', async () => {
    const errors: unknown[] = [];
    await connect(
      async ({ signal }) => {
        await aborted(signal);
        signal.throwIfAborted();
      },
      { onError: (error) => errors.push(error) },
    );
    await chat();
    cancel();
    expect(await events()).toEqual([cancelled]);
    expect(errors).toEqual([]);
  });

  it('when the agent ends the turn itself within the grace › its own terminal is sent, alone', async () => {
    await connect(async (turn) => {
      await aborted(turn.signal);
      expect(turn.token('too late')).toBe(false);
      expect(turn.event({ kind: 'done', finish_reason: 'cancelled', text: 'so far' })).toBe(true);
      expect(turn.event(cancelled)).toBe(false);
    });
    await chat();
    cancel();
    expect(await events()).toEqual([{ ...cancelled, text: 'so far' }]);
    expect(await wire.settled()).toEqual([]);
  });

  it('stops a generator that never waits for anything', async () => {
    await connect(async function* () {
      for (;;) yield 'x';
    });
    await chat();
    cancel();
    expect((await events()).at(-1)).toEqual(cancelled);
  });

  it('for a turn that is over, or for none › does nothing', async () => {
    await connect(async () => 'x');
    await chat();
    await events();
    cancel();
    cancel('unknown');
    wire.send({ method: 'agent.chat.cancel' });
    expect(await wire.settled()).toEqual([]);
  });
});
