import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../protocol/json.ts';
import { readChatEvent } from '../../protocol/read-event.ts';
import { settle, startLinked } from '../support/linked.ts';
import { SocketClient, startListening } from '../transport/socket-client.ts';

/** How a frame of an agent's reaches a host, if it does: the very text that the host was sent. */
type Pass = (frame: string) => Promise<string | undefined>;

const event = (members: string) => `{"jsonrpc":"2.0","method":"agent.chat.event","params":{${members}}}`;
/** Ends one try: whatever came before it has come. */
const marker = (n: number) => event(`"session_id":"s","kind":"marker","n":${n}`);

async function overLinkedPair(): Promise<Pass> {
  const { broker, agent } = startLinked();
  const echo = await agent('echo');
  const texts: string[] = [];
  const near = broker.connect();
  near.open({ text: (text) => texts.push(text), binary: () => {}, closed: () => {} });
  const call = (id: number, method: string, params: object) =>
    near.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
  call(1, 'session.auth', { token: broker.tokens.daemon });
  call(2, 'agents.chat', { agent_id: 'echo', prompt: 'p', session_id: 's' });
  await settle();
  echo.answer(echo.lastChat(), { accepted: true });
  await settle();
  return passBy(
    async (frames) => {
      for (const frame of frames) echo.send(frame);
      await settle();
    },
    () => texts,
  );
}

async function overSockets(): Promise<Pass> {
  const { broker, address } = await startListening();
  const host = await SocketClient.host(broker, address);
  const agent = await SocketClient.agent(broker, address, 'echo');
  const texts: string[] = [];
  await host.ok('agents.chat', { agent_id: 'echo', prompt: 'p', session_id: 's' });
  // Before the client's own listener, which then looks.
  host.ws.prependListener('message', (data) => texts.push(data.toString()));
  return passBy(
    async (frames) => {
      const before = texts.length;
      for (const frame of frames) agent.send(frame);
      await host.until(() => texts.slice(before).some((text) => text.includes('"kind":"marker"')));
    },
    () => texts,
  );
}

function passBy(send: (frames: string[]) => Promise<void>, texts: () => string[]): Pass {
  let n = 0;
  return async (frame) => {
    const before = texts().length;
    n += 1;
    await send([frame, marker(n)]);
    const came = texts().slice(before);
    expect(JSON.parse(came.at(-1) ?? '')).toMatchObject({ params: { kind: 'marker', n } });
    expect(came.length).toBeLessThanOrEqual(2);
    return came.length === 2 ? came[0] : undefined;
  };
}

const STAMP = ['agent_id', 'turn_id', 'seq'];
const REMOVED = [...STAMP, 'seq_from', 'synthesized'];

/** Sends a frame and holds what the host reads against what the broker has judged. True where it came through. */
async function check(pass: Pass, frame: string): Promise<boolean> {
  const judged = judge(frame);
  const text = await pass(frame);
  if (!judged) {
    expect(text, frame).toBeUndefined();
    return false;
  }
  if (text === undefined) throw new Error(`dropped: ${frame}`);
  const read = JSON.parse(text).params as JsonObject;
  // No reader can read it in two ways: each key stands there once, and nothing behind the end.
  expect(JSON.stringify(JSON.parse(text))).toBe(text);
  expect(without(read, STAMP)).toEqual(without(judged, REMOVED));
  expect(read).toMatchObject({ agent_id: 'echo', turn_id: expect.stringMatching(/^turn-/), seq: expect.any(Number) });
  for (const key of ['seq_from', 'synthesized']) expect(Object.hasOwn(read, key)).toBe(false);
  return true;
}

/** The event that a frame is for whoever goes by JSON.parse; undefined where it is none. */
function judge(frame: string): JsonObject | undefined {
  try {
    const message = JSON.parse(frame);
    const { jsonrpc, method, params } = message;
    if (jsonrpc !== '2.0' || method !== 'agent.chat.event' || Object.hasOwn(message, 'id')) return undefined;
    if (readChatEvent(params) !== params) return undefined;
    return params.session_id === 's' && params.turn_id === undefined ? params : undefined;
  } catch {
    return undefined;
  }
}

/** Own keys alone, `__proto__` among them, as entries that can be compared. */
function without(value: JsonObject, keys: readonly string[]): [string, unknown][] {
  return Object.entries(value)
    .filter(([key]) => !keys.includes(key))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, one]) => [key, JSON.stringify(one)]);
}

const TRICKS: [string, string, boolean][] = [
  ['a token', event('"session_id":"s","kind":"token","delta":"d"'), true],
  ['its keys in another order', event('"delta":"d","kind":"token","session_id":"s"'), true],
  [
    'white space everywhere',
    ` { "jsonrpc" : "2.0" ,"method":"agent.chat.event",\t"params":\n{"session_id":"s","kind":"token","delta":"d"} } `,
    true,
  ],
  ['a terminal behind a token', event('"session_id":"s","kind":"token","delta":"d","kind":"todos"'), true],
  ['a token behind another kind', event('"session_id":"s","kind":"todos","kind":"token","delta":"d"'), true],
  ['a delta that is none, then one', event('"session_id":"s","kind":"token","delta":{},"delta":"d"'), true],
  ['a delta, then one that is none', event('"session_id":"s","kind":"token","delta":"d","delta":{}'), false],
  ['another session first', event('"session_id":"other","session_id":"s","kind":"token","delta":"d"'), true],
  ['another session last', event('"session_id":"s","session_id":"other","kind":"token","delta":"d"'), false],
  ['an escaped key', event('"session_id":"s","\\u006bind":"token","delta":"d"'), true],
  ['an escaped key that comes last', event('"session_id":"s","kind":"token","delta":"d","\\u006bind":"todos"'), true],
  ['an escaped value', event('"session_id":"\\u0073","kind":"\\u0074oken","delta":"\\u0064"'), true],
  [
    'keys inside a string',
    event('"session_id":"s","kind":"token","delta":"\\",\\"kind\\":\\"done\\",\\"x\\":\\""'),
    true,
  ],
  ['keys inside an object', event('"session_id":"s","kind":"token","delta":"d","x":{"kind":"done","delta":1}'), true],
  ['its own stamp', event('"session_id":"s","kind":"token","delta":"d","seq":9,"agent_id":"evil"'), true],
  [
    'its own stamp in escapes',
    event('"session_id":"s","kind":"token","delta":"d","\\u0073eq":9,"seq_\\u0066rom":1'),
    true,
  ],
  ['synthesized', event('"session_id":"s","kind":"token","delta":"d","synthesized":true'), true],
  ['synthesized: null', event('"session_id":"s","kind":"token","delta":"d","synthesized":null,"seq_from":null'), true],
  ['__proto__', event('"session_id":"s","kind":"token","delta":"d","__proto__":{"seq_from":1,"kind":"done"}'), true],
  ['everything in __proto__', event('"__proto__":{"session_id":"s","kind":"token","delta":"d"}'), false],
  ['a delta in __proto__', event('"session_id":"s","kind":"token","__proto__":{"delta":"d"}'), false],
  [
    'constructor and toString',
    event('"session_id":"s","kind":"token","delta":"d","constructor":1,"toString":null'),
    true,
  ],
  ['a key with a lone surrogate', event('"session_id":"s","kind":"token","delta":"\\ud83d","\\ud83d":"\\ude00"'), true],
  ['a number beyond all numbers', event('"session_id":"s","kind":"token","delta":"d","x":1e999'), false],
  ['a number that loses digits', event('"session_id":"s","kind":"token","delta":"d","x":12345678901234567890.5'), true],
  ['trailing bytes', `${event('"session_id":"s","kind":"token","delta":"d"')}x`, false],
  ['a second message behind it', event('"session_id":"s","kind":"token","delta":"d"').repeat(2), false],
  ['a byte order mark', `\ufeff${event('"session_id":"s","kind":"token","delta":"d"')}`, false],
  ['a comma too many', event('"session_id":"s","kind":"token","delta":"d",'), false],
  [
    'two params',
    '{"jsonrpc":"2.0","method":"agent.chat.event","params":{},"params":{"session_id":"s","kind":"token","delta":"d"}}',
    true,
  ],
  [
    'two methods',
    '{"jsonrpc":"2.0","method":"agents.list","method":"agent.chat.event","params":{"session_id":"s","kind":"token","delta":"d"}}',
    true,
  ],
  [
    'params in __proto__',
    '{"jsonrpc":"2.0","method":"agent.chat.event","__proto__":{"params":{"session_id":"s","kind":"token","delta":"d"}}}',
    false,
  ],
];

describe.each([
  ['the linked pair', overLinkedPair],
  ['real sockets', overSockets],
])('a frame with a trick in it › over %s', (_name, start) => {
  test('then what the host reads is what was judged, and nothing else comes through', async () => {
    const pass = await start();
    for (const [name, frame, passes] of TRICKS) expect(await check(pass, frame), name).toBe(passes);
  });

  test('put together at random › then that holds as well', async () => {
    const pass = await start();
    const seen = { passed: 0, dropped: 0 };
    await fc.assert(
      fc.asyncProperty(members, async (texts) => {
        seen[(await check(pass, event(texts.join()))) ? 'passed' : 'dropped'] += 1;
      }),
      { numRuns: 500 },
    );
    expect(seen.passed).toBeGreaterThan(50);
    expect(seen.dropped).toBeGreaterThan(50);
  });
});

const KEYS = [
  'session_id',
  'kind',
  'delta',
  'seq',
  'seq_from',
  'agent_id',
  'synthesized',
  '__proto__',
  'toString',
  'x',
];
const VALUES = [
  '"s"',
  '"token"',
  '"d"',
  '"todos"',
  'null',
  '1',
  '{"kind":"token"}',
  '"\\",\\"kind\\":\\"todos"',
  '"\\ud83d"',
];

/** One member as text: some characters of its key are written as escapes. */
const member = fc
  .tuple(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES), fc.array(fc.boolean(), { minLength: 11, maxLength: 11 }))
  .map(([key, value, escaped]) => {
    const written = [...key].map((letter, at) =>
      escaped[at] ? `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}` : letter,
    );
    return `"${written.join('')}":${value}`;
  });
/** A token whose members may come twice, with others between and behind them. */
const members = fc
  .array(member, { maxLength: 4 })
  .chain((others) =>
    fc.shuffledSubarray(['"session_id":"s"', '"kind":"token"', '"delta":"d"', ...others], { minLength: 3 }),
  );
