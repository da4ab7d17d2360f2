import fc from 'fast-check';
import { upgradeHead } from '../raw-socket.ts';
import { TARGETS, type Target } from './abuse-targets.ts';
import { type Attack, type Attacker, chatWithInnocent, manyOf, rest } from './attacker.ts';

/** One thing that somebody does who means harm, in words that can be printed. */
export type Abuse =
  | { do: 'fill'; target: Target; filler: Filler; bytes: number; times: number; from: 'host' | 'agent' | 'manager' }
  | { do: 'long id'; bytes: number; times: number }
  | { do: 'answer nobody'; filler: Filler; bytes: number; times: number }
  | { do: 'pages'; path: string; times: number; isBehindUpgrade: boolean }
  | { do: 'half messages'; bytes: number; times: number; isStranger: boolean }
  | { do: 'many tools, many chats'; bytes: number; times: number }
  | { do: 'events'; kind: string; bytes: number; times: number; isRead: boolean }
  | { do: 'tool calls'; bytes: number; times: number; progress: number }
  | { do: 'queued chats'; bytes: number; times: number }
  | { do: 'approvals'; bytes: number; times: number }
  | { do: 'binary frames'; bytes: number; times: number }
  | { do: 'listeners'; listeners: number; times: number };

const MIB = 1024 * 1024;

/** What a place is filled with, so many bytes of it. */
const FILLERS = {
  numbers: (bytes: number) => manyOf('0', bytes),
  'long numbers': (bytes: number) => manyOf('12345678901234567890', bytes),
  'a long number': (bytes: number) => '9'.repeat(bytes),
  objects: (bytes: number) => manyOf('{}', bytes),
  'wrong objects': (bytes: number) => manyOf('{"type":"x","id":{},"name":[]}', bytes),
  strings: (bytes: number) => manyOf('"x"', bytes),
  text: (bytes: number) => `"${'x'.repeat(bytes)}"`,
  escapes: (bytes: number) => `"${'\\u0000'.repeat(bytes / 6)}"`,
  quotes: (bytes: number) => `"${'\\"'.repeat(bytes / 2)}"`,
  emoji: (bytes: number) => `"${'👋'.repeat(bytes / 4)}"`,
  lists: (bytes: number) => '['.repeat(bytes / 2) + ']'.repeat(bytes / 2),
  'open lists': (bytes: number) => '['.repeat(bytes),
  depth: (bytes: number) => `${'{"a":'.repeat(bytes / 6)}0${'}'.repeat(bytes / 6)}`,
  keys: (bytes: number) => `{${Array.from({ length: bytes / 12 }, (_, i) => `"k${i}":0`).join()}}`,
  'the same key': (bytes: number) => `{${'"a":0,'.repeat(bytes / 6)}"a":0}`,
  spaces: (bytes: number) => `${' '.repeat(bytes)}0`,
} as const;
type Filler = keyof typeof FILLERS;

const filler = fc.constantFrom(...(Object.keys(FILLERS) as Filler[]));
/** As many small ones as large ones. */
const bytesUpTo = (most: number) =>
  fc.double({ min: 6, max: Math.log2(most), noNaN: true }).map((power) => Math.floor(2 ** power));
const times = (max: number) => fc.integer({ min: 1, max });

/** Anything of that. */
export const abuse: fc.Arbitrary<Abuse> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('fill' as const),
      target: fc.constantFrom(...TARGETS),
      filler,
      bytes: bytesUpTo(4 * MIB),
      times: times(3),
      from: fc.constantFrom('host' as const, 'agent' as const, 'manager' as const),
    }),
  },
  fc.record({ do: fc.constant('long id' as const), bytes: bytesUpTo(4 * MIB), times: times(20) }),
  fc.record({ do: fc.constant('answer nobody' as const), filler, bytes: bytesUpTo(4 * MIB), times: times(3) }),
  fc.record({
    do: fc.constant('pages' as const),
    path: fc.constantFrom('/', '/metrics', '/healthz', '/none', `/${'x'.repeat(8_000)}`),
    times: times(3_000),
    isBehindUpgrade: fc.boolean(),
  }),
  fc.record({
    do: fc.constant('half messages' as const),
    bytes: bytesUpTo(4 * MIB),
    times: times(10),
    isStranger: fc.boolean(),
  }),
  fc.record({ do: fc.constant('many tools, many chats' as const), bytes: bytesUpTo(250_000), times: times(200) }),
  fc.record({
    do: fc.constant('events' as const),
    kind: fc.constantFrom('token', 'todos', 'tool_call', 'approval_pending', 'x'.repeat(100)),
    bytes: bytesUpTo(256 * 1024),
    times: times(300),
    isRead: fc.boolean(),
  }),
  fc.record({ do: fc.constant('tool calls' as const), bytes: bytesUpTo(MIB), times: times(40), progress: times(300) }),
  fc.record({ do: fc.constant('queued chats' as const), bytes: bytesUpTo(2 * MIB), times: times(20) }),
  fc.record({ do: fc.constant('approvals' as const), bytes: bytesUpTo(128 * 1024), times: times(80) }),
  fc.record({ do: fc.constant('binary frames' as const), bytes: bytesUpTo(MIB), times: times(30) }),
  fc.record({ do: fc.constant('listeners' as const), listeners: times(40), times: times(200) }),
);

/** An abuse in one line, for who has to find it again. */
export const describeAbuse = (one: Abuse): string =>
  JSON.stringify(one.do === 'fill' ? { ...one, target: `${one.target.method} ${one.target.path}` } : one);

const text = (bytes: number) => `"${'x'.repeat(bytes)}"`;

/** Does it, and returns once the daemon has dealt with it, or has had enough of whoever did it. */
export async function commit(attack: Attack, one: Abuse): Promise<void> {
  switch (one.do) {
    case 'fill': {
      const client = await attack.open(one.from);
      const params = one.target.wrap(FILLERS[one.filler](one.bytes));
      const id = one.target.isRequest ? '"id":"fill",' : '';
      const frame = `{"jsonrpc":"2.0",${id}"method":"${one.target.method}","params":${params}}`;
      return repeat(client, one.times, () => client.send(frame));
    }
    case 'long id': {
      const client = await attack.open('host');
      const id = text(one.bytes);
      return repeat(client, one.times, () => client.send(`{"jsonrpc":"2.0","id":${id},"method":"agents.list"}`));
    }
    case 'answer nobody': {
      const client = await attack.open('agent');
      const frame = `{"jsonrpc":"2.0","id":"none","result":${FILLERS[one.filler](one.bytes)}}`;
      return repeat(client, one.times, () => client.send(frame));
    }
    case 'pages': {
      const socket = attack.connect();
      const upgrade = one.isBehindUpgrade ? `${upgradeHead().join('\r\n')}\r\n\r\n` : '';
      socket.write(upgrade + `GET ${one.path} HTTP/1.1\r\nHost: localhost\r\n\r\n`.repeat(one.times));
      socket.resume();
      return rest(50);
    }
    case 'half messages': {
      for (let i = 0; i < one.times; i += 1)
        (await attack.open(one.isStranger ? 'stranger' : 'host')).sendPart(one.bytes);
      return rest(50);
    }
    case 'many tools, many chats': {
      const send = await attack.segments();
      send([
        `{"jsonrpc":"2.0","id":0,"method":"tools.register","params":[{"name":"t","description":${text(one.bytes)}}]}`,
      ]);
      send(
        Array.from(
          { length: one.times },
          (_, i) => `{"jsonrpc":"2.0","id":"c${i}","method":"agents.chat","params":${chatWithInnocent()}}`,
        ),
      );
      return rest(50);
    }
    case 'events':
      return streamEvents(attack, one);
    case 'tool calls':
      return callTools(attack, one);
    case 'queued chats': {
      const [host, agent] = [await attack.open('host'), await attack.open('agent')];
      const session = await attack.turn(host, agent);
      const params = `{"agent_id":"${agent.agentId}","session_id":"${session}","on_busy":"queue","prompt":${text(one.bytes)}}`;
      return repeat(host, one.times, () =>
        host.send(`{"jsonrpc":"2.0","id":"q","method":"agents.chat","params":${params}}`),
      );
    }
    case 'approvals': {
      const host = await attack.open('host');
      const params = `{"action":"x","details":{"text":${text(one.bytes)}}}`;
      return repeat(host, one.times, () =>
        host.send(`{"jsonrpc":"2.0","id":"p","method":"host.request_approval","params":${params}}`),
      );
    }
    case 'binary frames': {
      const client = await attack.open('agent');
      const frame = Buffer.alloc(Math.max(26, one.bytes), 1);
      return repeat(client, one.times, () => client.send(frame, true));
    }
    case 'listeners': {
      const crowd = await Promise.all(Array.from({ length: one.listeners }, () => attack.open('host')));
      await Promise.all(crowd.map((each) => each.ask('server.handshake', '{"protocol_version":3}')));
      await Promise.all(crowd.map((each) => each.ask('host.subscribe')));
      const [noisy] = crowd as [Attacker];
      return repeat(noisy, one.times, () =>
        noisy.send('{"jsonrpc":"2.0","id":"n","method":"host.notify","params":{"kind":"x"}}'),
      );
    }
  }
}

async function repeat(client: Attacker, count: number, send: () => void): Promise<void> {
  for (let i = 0; i < count; i += 1) send();
  await client.settled();
}

async function streamEvents(attack: Attack, one: Extract<Abuse, { do: 'events' }>): Promise<void> {
  const [host, agent] = [await attack.open('host'), await attack.open('agent')];
  const session = await attack.turn(host, agent);
  if (!one.isRead) host.pause();
  const more = `"delta":${text(one.bytes)},"tool":"x","approval_id":"a","details":{"x":${text(one.bytes)}}`;
  const frame = `{"jsonrpc":"2.0","method":"agent.chat.event","params":{"session_id":"${session}","kind":"${one.kind}",${more}}}`;
  await repeat(agent, one.times, () => agent.send(frame));
}

async function callTools(attack: Attack, one: Extract<Abuse, { do: 'tool calls' }>): Promise<void> {
  const [host, agent] = [await attack.open('host'), await attack.open('agent')];
  await host.ask('tools.register', '[{"name":"slow"}]');
  const session = await attack.turn(host, agent);
  const calls: string[] = [];
  host.onMessage = (message) => {
    const [, id] = /"id":"(cb-\d+)","method":"tools\.execute"/.exec(message) ?? [];
    if (id !== undefined) calls.push(id);
    return undefined;
  };
  const params = `{"session_id":"${session}","tool":"slow","parameters":{"x":${text(one.bytes)}}}`;
  for (let i = 0; i < one.times; i += 1) {
    agent.send(`{"jsonrpc":"2.0","id":"t${i}","method":"tools.execute","params":${params}}`);
  }
  await agent.settled();
  await host.settled();
  for (let i = 0; i < one.progress; i += 1) {
    host.notify('tools.progress', {
      request_id: calls[i % Math.max(1, calls.length)] ?? 'cb-1',
      message: 'x'.repeat(200),
    });
  }
  for (const id of calls) host.send(`{"jsonrpc":"2.0","id":"${id}","result":{"x":${text(one.bytes)}}}`);
  await host.settled();
  await agent.settled();
}
