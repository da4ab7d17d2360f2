import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { openChat } from './support/chat.ts';
import { own } from './support/cleanup.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { WellBehavedPair } from './support/well-behaved-pair.ts';
import type { WireClient } from './support/wire-client.ts';

let daemon: Daemon;
let pair: WellBehavedPair;
/** A client that has authenticated, and misbehaves then. */
let client: WireClient;
/** After how many seconds each of those that take for ever over their request was cut. */
let slow: Promise<number>[];

beforeAll(async () => {
  daemon = await startDaemon();
  pair = await WellBehavedPair.start(daemon);
  slow = Array.from({ length: 50 }, (_, i) => drip(i));
});

/** However a test abused it: others chat on, and the daemon is well. */
afterEach(async () => {
  await pair.chats(2);
  expect((await daemon.get('/healthz')).status).toBe(200);
  expect(daemon.errors).toEqual([]);
});

function raw(): Socket {
  const { hostname, port } = new URL(daemon.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  own(() => socket.destroy());
  return socket;
}

/** A client that takes for ever over the head of its request; some do not even begin. Seconds until it is cut. */
function drip(index: number): Promise<number> {
  const socket = raw();
  const since = performance.now();
  const text = index % 2 ? 'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nX: ' : '';
  let at = 0;
  const timer = setInterval(() => {
    if (text) socket.write(text[at++] ?? 'x');
  }, 100);
  socket.resume();
  return new Promise((resolve) => {
    socket.once('close', () => {
      clearInterval(timer);
      resolve((performance.now() - since) / 1000);
    });
  });
}

/** A socket after the upgrade, on which anything may be written, and all that came back. */
async function upgraded(): Promise<{ socket: Socket; received: () => Buffer }> {
  const socket = raw();
  let all = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    all = Buffer.concat([all, chunk]);
  });
  const key = randomBytes(16).toString('base64');
  socket.write(
    `GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  await vi.waitUntil(() => all.includes('\r\n\r\n'));
  return { socket, received: () => all.subarray(all.indexOf('\r\n\r\n') + 4) };
}

/** A masked frame with an all-zero mask. */
function frame(first: number, payload: Buffer | string): Buffer {
  const body = Buffer.from(payload);
  return Buffer.concat([Buffer.of(first, 0x80 | body.length, 0, 0, 0, 0), body]);
}

const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('garbage in text frames', () => {
  it('is answered, and closes nothing', async () => {
    client = await daemon.host();
    const texts = [
      '',
      ' ',
      'null',
      '{"jsonrpc":"2.0"',
      '\u0000',
      'NaN',
      '[]',
      '{}',
      '"\\ud800"',
      `{"jsonrpc":"2.0","id":1,"method":"${'x'.repeat(100_000)}"}`,
      '{"jsonrpc":"2.0","id":1,"method":"agents.chat","params":{"__proto__":{"agent_id":"a"}}}',
      '{"jsonrpc":"2.0","id":{"toString":1},"method":"toString"}',
    ];
    for (const text of texts) client.send(text);
    for (let i = 0; i < 1_000; i++) client.send(randomBytes(30).toString('latin1'));
    await client.settled();
    const errors = client.frames.filter(({ error }) => error);
    expect(errors).toHaveLength(texts.length + 1_000);
    for (const { error } of errors) expect([-32700, -32600, -32601, -32602]).toContain(error.code);
  });

  it('nested a hundred thousand deep › is refused wherever it comes, and relayed to nobody', async () => {
    client = await daemon.host();
    const deep = nested(100_000);
    client.send(`{"jsonrpc":"2.0","id":"a","method":"agents.list","params":${deep}}`);
    client.send(
      `{"jsonrpc":"2.0","id":"b","method":"agents.chat","params":{"agent_id":"good","prompt":"x","context":{"k":${deep}}}}`,
    );
    client.send(`{"jsonrpc":"2.0","id":${deep},"method":"agents.list"}`);
    client.send(deep);
    client.send(`{"jsonrpc":"2.0","id":7,"result":${deep}}`);
    expect((await client.replyTo('a')).error.code).toBe(-32602);
    expect((await client.replyTo('b')).error.code).toBe(-32602);
    await client.settled();

    const agent = await daemon.agent('deep');
    const chat = await openChat(client, agent, { agent_id: 'deep' });
    const event = { jsonrpc: '2.0', method: 'agent.chat.event', params: { session_id: chat.sessionId, kind: 'todos' } };
    agent.send(JSON.stringify(event).replace('"todos"', `"todos","items":${deep}`));
    chat.emit({ kind: 'done', finish_reason: 'stop' });
    await client.terminal(chat.turnId);
    expect(client.events(chat.turnId)).toHaveLength(1);
  });
});

describe('a message that is too big', () => {
  it('closes its sender with 1009', async () => {
    client = await daemon.host();
    client.send('x'.repeat(17 * 1024 * 1024));
    expect(await client.closed).toMatchObject({ code: 1009 });
  });

  it('by one byte or in fragments is too big all the same, and the largest is not', async () => {
    const limit = 16 * 1024 * 1024;
    client = await daemon.host();
    const head = '{"jsonrpc":"2.0","id":"big","method":"no.such","params":{"x":"';
    client.send(`${head}${'x'.repeat(limit - head.length - 3)}"}}`);
    expect((await client.replyTo('big')).error.code).toBe(-32601);
    for (let i = 0; i < 17; i++) client.socket.send('x'.repeat(1024 * 1024), { fin: i === 16 });
    expect(await client.closed).toMatchObject({ code: 1009 });
  });
});

describe('frames', () => {
  it('that are binary close with 1003', async () => {
    client = await daemon.host();
    client.socket.send(Buffer.from('{"jsonrpc":"2.0","id":1,"method":"agents.list"}'));
    expect(await client.closed).toEqual({ code: 1003, reason: 'binary not accepted' });
    const stranger = await daemon.connect();
    stranger.socket.send(Buffer.alloc(0));
    expect(await stranger.closed).toMatchObject({ code: 1003 });
  });

  it('in fragments, with pings between them, are one message', async () => {
    client = await daemon.host();
    const text = '{"jsonrpc":"2.0","id":"Zoë 👋","method":"agents.list"}';
    const bytes = Buffer.from(text);
    const pong = once(client.socket, 'pong');
    for (let i = 0; i < bytes.length; i++) {
      // Through the middle of characters too.
      client.socket.send(bytes.subarray(i, i + 1), { binary: false, fin: i === bytes.length - 1 });
      if (i === 10) client.socket.ping();
    }
    expect(await client.replyTo('Zoë 👋')).toMatchObject({ result: expect.any(Array) });
    await pong;
  });

  it.each<[string, Buffer, number]>([
    ['of bad UTF-8', frame(0x81, Buffer.of(0x22, 0xc3, 0x28, 0x22)), 1007],
    ['with a reserved bit', frame(0xc1, '{}'), 1002],
    ['with an unknown opcode', frame(0x83, '{}'), 1002],
    ['that continue nothing', frame(0x80, '{}'), 1002],
    ['without a mask', Buffer.from([0x81, 2, 0x7b, 0x7d]), 1002],
    ['of control in fragments', frame(0x09, 'x'), 1002],
    ['with a close code that there is not', frame(0x88, Buffer.of(0, 7)), 1002],
  ])('%s close with their code', async (_, bytes, code) => {
    const { socket, received } = await upgraded();
    const closed = once(socket, 'close');
    socket.write(bytes);
    await closed;
    expect(received().subarray(0, 4)).toEqual(Buffer.of(0x88, received()[1] ?? 0, code >> 8, code & 0xff));
  });

  it('that stop in the middle hold up nobody', async () => {
    const { socket } = await upgraded();
    socket.write(Buffer.of(0x81, 0xfe, 0x10, 0x00, 0, 0, 0, 0, 0x7b));
    // Unauthenticated for five seconds: cut like anybody else.
    await once(socket, 'close');
  });
});

describe('a host that reads nothing', () => {
  it('is cut before it fills the memory, and its agent is told', async () => {
    const agent = await daemon.agent('talkative');
    client = await daemon.host();
    const chat = await openChat(client, agent, { agent_id: 'talkative' });
    client.socket.pause();
    for (let i = 0; i < 48; i++) chat.emit({ kind: 'token', delta: 'x'.repeat(1024 * 1024) });
    await agent.when(() => agent.cancels(chat.turnId)[0]);
    const { sessions } = await (await daemon.manager()).ok('agents.chat.sessions');
    expect(sessions.filter(({ turn_id }: { turn_id: string }) => turn_id === chat.turnId)).toEqual([]);
  });
});

describe('connections', () => {
  it('that are half open are closed from the other half', async () => {
    const { socket } = await upgraded();
    const closed = once(socket, 'close');
    socket.end();
    await closed;
  });

  it('by the thousand, opened and gone at once, leave nothing behind', async () => {
    const before = await connections();
    const auth = { jsonrpc: '2.0', id: 1, method: 'session.auth', params: { token: daemon.tokens.daemon } };
    const endings: ((socket: WebSocket) => void)[] = [
      (socket) => socket.close(),
      (socket) => socket.terminate(),
      (socket) => {
        socket.send(JSON.stringify(auth));
        socket.terminate();
      },
      (socket) => {
        socket.send(JSON.stringify(auth));
        socket.close();
      },
    ];
    const one = async (i: number) => {
      const socket = new WebSocket(daemon.url);
      socket.on('error', () => {});
      await once(socket, 'open');
      const closed = once(socket, 'close');
      endings[i % endings.length]?.(socket);
      await closed;
    };
    for (let i = 0; i < 1_000; i += 50) await Promise.all(Array.from({ length: 50 }, (_, j) => one(i + j)));
    await vi.waitFor(async () => expect(await connections()).toBe(before));
  });

  it('that are no HTTP at all are answered as such, and cut', async () => {
    for (const text of ['\u0016\u0003\u0001 hello tls', 'GARBAGE\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n']) {
      const socket = raw();
      const closed = once(socket, 'close');
      socket.resume();
      socket.write(text);
      await closed;
    }
  });

  it('that drip their request’s head, or none, are cut in the end', async () => {
    for (const seconds of await Promise.all(slow)) {
      expect(seconds).toBeGreaterThan(9);
      expect(seconds).toBeLessThan(20);
    }
  });
});

/** WebSockets that the daemon has open. */
async function connections(): Promise<number> {
  const { body } = await daemon.get('/metrics');
  const values = [...body.matchAll(/^switchboard_connections\{role="\w+"\} (\d+)$/gm)];
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}
