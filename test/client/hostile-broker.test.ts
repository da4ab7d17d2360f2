import * as fc from 'fast-check';
import { afterEach, beforeEach, it } from 'vitest';
import { connectAgent, connectHost, type Host } from '../../client/node.ts';
import { chatEventKinds } from '../../protocol/events.ts';
import { methods } from '../../protocol/methods.ts';
import { type Message, ScriptedBroker, type Wire } from './scripted-broker.ts';

/* Whatever comes over the wire, nothing of it is thrown into the program that uses the SDK. */

const OUTWARD = Object.entries(methods)
  .filter(([, { direction }]) => direction !== 'in')
  .map(([name]) => name);
/** Words that name something on every object, and values that are often read without a look. */
const WORDS = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'length', 'then', '', 's', 't1', 'echo'];
const NAMES = [
  ...['kind', 'session_id', 'turn_id', 'agent_id', 'seq', 'seq_from', 'delta', 'text', 'error', 'code', 'details'],
  ...['approval_id', 'action_id', 'tool', 'params', 'parameters', 'attempt', 'prompt', 'context', 'tools', 'acks'],
  ...['after', 'turns', 'status', 'pending_approvals', 'sequence', 'result', 'stream_id', 'type', 'surfaceId', 'data'],
  ...['expires_in_ms', 'limits', 'events', 'rows', 'decision', 'synthesized', '_meta', 'resume_token', 'then'],
];

const word = fc.constantFrom(...WORDS, ...Object.keys(chatEventKinds));
const plain = fc.oneof(
  word,
  fc.constantFrom<unknown>(null, true, false, 0, -1, 1, 1e300, 2 ** 53, '\ud800', 'x'.repeat(50)),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    plain,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...NAMES, ...WORDS), tie('value'), { maxKeys: 6 }),
  ),
}));
const params = fc.oneof(
  { weight: 1, arbitrary: value },
  { weight: 3, arbitrary: fc.dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 8 }) },
  // Of the turn that is live.
  {
    weight: 3,
    arbitrary: fc
      .dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 6 })
      .map((rest) => ({ ...rest, session_id: 's', turn_id: 't1', agent_id: 'echo' })),
  },
);
const method = fc.constantFrom(...OUTWARD, 'agents.chat.event', 'agents.chat.event', 'constructor', '');
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ method, params }),
  fc.record({ method, params, id: fc.oneof(fc.integer(), word) }),
  fc.record({ id: fc.integer({ min: 1, max: 9 }), result: value }),
  fc.record({ id: fc.integer({ min: 1, max: 9 }), error: value as fc.Arbitrary<NonNullable<Message['error']>> }),
);

/** One that fails may be one that is never answered: it is shown as it was found, for each smaller one would be waited for. */
const RUNS = 150;

let broker: ScriptedBroker;
let fail: (error: unknown) => void = () => {};
const note = (error: unknown) => fail(error);

beforeEach(async () => {
  broker = await ScriptedBroker.start();
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
});
afterEach(async () => {
  await broker.stop();
  process.off('uncaughtException', note);
  process.off('unhandledRejection', note);
});

/** Sends what there is, and waits until all of it was read: the client answers, or has closed. */
async function playAll(wire: Wire, messages: readonly Message[]): Promise<void> {
  const thrown = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  wire.send(...messages);
  await Promise.race([wire.settled(), wire.closed, thrown]);
  // A rejection that nobody handles is told after the microtasks.
  await Promise.race([new Promise((resolve) => setImmediate(resolve)), thrown]);
}

/** Everything that a host may wait for. */
async function busyHost(): Promise<{ host: Host; wire: Wire }> {
  const connecting = connectHost({ url: broker.url, token: 'secret', reconnect: false });
  const wire = await broker.accept();
  await wire.authenticate();
  const host = await connecting;
  const quiet = (promise: Promise<unknown>) => void promise.catch(() => {});
  const chat = host.chat('echo', 'hi', { sessionId: 's' });
  quiet(chat.text());
  const { id } = await wire.receive('agents.chat');
  wire.send({ id: id as number, result: { accepted: true, session_id: 's', turn_id: 't1', resume_token: 'secret' } });
  await chat.ack;
  quiet(host.agents.list());
  quiet(host.tools());
  quiet(host.subscribe());
  return { host, wire };
}

it('a host', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 12 }), async (messages) => {
      const { host, wire } = await busyHost();
      await playAll(wire, messages);
      await host.close();
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
});

it('an agent', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 12 }), async (messages) => {
      const connecting = connectAgent({
        url: broker.url,
        token: 'secret',
        agentId: 'echo',
        reconnect: false,
        onChat: async function* ({ prompt }) {
          yield prompt;
        },
      });
      const wire = await broker.accept();
      await wire.authenticate({ role: 'agent', agent_id: 'echo' });
      const agent = await connecting;
      wire.send({ id: 'chat', method: 'agent.chat', params: { session_id: 's', turn_id: 't1', prompt: 'hi' } });
      await playAll(wire, messages);
      await agent.close();
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
});
