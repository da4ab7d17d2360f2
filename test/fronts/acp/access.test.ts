import { once } from 'node:events';
import { createConnection } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { readMetric } from '../../support/metrics.ts';
import { cancelled, repeat } from '../front-scene.ts';
import { Raw } from '../raw.ts';
import { acpClient, startAcp } from './acp-client.ts';

const HELLO = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: 1, clientCapabilities: {} } };

/** How a WebSocket is answered: 101, or the status that it is refused with. */
function upgrade(url: string, headers: Record<string, string> = {}, protocols: string[] = []): Promise<number> {
  const socket = new WebSocket(url, protocols, { headers });
  return new Promise((resolve) => {
    socket.on('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.on('error', () => {});
    socket.on('unexpected-response', (_request, response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
  });
}

test('a WebSocket is opened for whoever has a key for that agent and this front', async () => {
  const { agent, broker, key, token, url } = await startAcp();
  await agent('echo', repeat);
  await agent('other', repeat);
  const echo = `${url.replace('http', 'ws')}/acp/echo`;
  const bearer = (own: string) => ({ authorization: `Bearer ${own}` });
  const own = await key('own', { agents: ['other'] });
  const elsewhere = await key('elsewhere', { fronts: ['openai'] });
  expect(await upgrade(echo, bearer(token))).toBe(101);
  // As a page does it.
  expect(await upgrade(echo, {}, [`bearer.${token}`, 'x'])).toBe(101);
  expect(await upgrade(echo)).toBe(401);
  expect(await upgrade(`${echo}?token=${token}`)).toBe(401);
  expect(await upgrade(echo, bearer('wrong'))).toBe(401);
  expect(await upgrade(echo, bearer(elsewhere))).toBe(401);
  expect(await upgrade(echo, bearer(own))).toBe(404);
  expect(await upgrade(echo.replace('echo', 'other'), bearer(own))).toBe(101);
  expect(await upgrade(`${echo}/x`, bearer(token))).toBe(404);
  expect(await upgrade(echo, { ...bearer(token), origin: 'http://elsewhere.example' })).toBe(403);
  expect(await upgrade(echo, { ...bearer(token), host: 'elsewhere.example' })).toBe(403);
  expect(await readMetric(broker, 'upgrades_refused_total')).toEqual({ 401: 4, 403: 2, 404: 2 });
});

test('a connection by HTTP is its key’s, and no stranger’s', async () => {
  const { agent, key, token, url } = await startAcp();
  await agent('echo', repeat);
  await agent('other', repeat);
  const post = (path: string, own: string, body: unknown, more: Record<string, string> = {}) =>
    fetch(`${url}/acp/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${own}`, 'content-type': 'application/json', ...more },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const opened = await post('echo', token, HELLO);
  expect(opened.status).toBe(200);
  const id = opened.headers.get('acp-connection-id') ?? '';
  const fresh = { jsonrpc: '2.0', id: 2, method: 'session/new', params: { cwd: '/', mcpServers: [] } };
  const stranger = await key('stranger');
  const theirs = { 'acp-connection-id': id };
  expect((await post('echo', stranger, fresh, theirs)).status).toBe(404);
  expect((await post('other', token, fresh, theirs)).status).toBe(404);
  expect((await post('echo', token, fresh, theirs)).status).toBe(202);
  const refused = await post('nobody', token, HELLO);
  expect([refused.status, await refused.json()]).toEqual([
    404,
    { jsonrpc: '2.0', id: null, error: expect.objectContaining({ message: 'there is no agent nobody' }) },
  ]);
  expect((await post('echo', 'wrong', HELLO)).status).toBe(401);
  expect((await post('echo', token, '{')).status).toBe(400);
  expect((await post('echo', token, '[]')).status).toBe(400);
  expect((await post('echo', token, '{}', { 'content-type': 'text/plain' })).status).toBe(415);
  expect((await post('echo', token, fresh)).status).toBe(400);
  const get = await fetch(`${url}/acp/echo`, {
    method: 'HEAD',
    headers: { authorization: `Bearer ${token}`, ...theirs },
  });
  expect(get.status).toBe(405);
  const gone = await fetch(`${url}/acp/echo`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${token}`, ...theirs },
  });
  expect(gone.status).toBe(202);
  expect((await post('echo', token, fresh, theirs)).status).toBe(404);
});

test('a key that is removed ends its turns', async () => {
  const { agent, broker, key, streamTo } = await startAcp();
  const { turn } = await agent('echo', async (own) => {
    own.token('half');
    await cancelled(own);
  });
  const client = acpClient(streamTo('WebSocket', 'echo', await key('ada')));
  const sessionId = await client.begin();
  const answer = client.prompt(sessionId, 'x').catch((error: unknown) => error);
  await client.until(() => client.text === 'half');
  broker.keys.remove({ name: 'ada' });
  await answer;
  await cancelled(await turn(0));
  await expect(client.prompt(sessionId, 'x')).rejects.toMatchObject({ code: -32000 });
});

test('nonsense on a WebSocket is answered as such, and the next message is read', async () => {
  const { agent, token, url } = await startAcp();
  await agent('echo', repeat);
  const socket = new WebSocket(`${url.replace('http', 'ws')}/acp/echo`, {
    headers: { authorization: `Bearer ${token}` },
  });
  await once(socket, 'open');
  const answers: { id: number | null; error?: { code: number }; result?: object }[] = [];
  socket.on('message', (data) => answers.push(JSON.parse(String(data))));
  for (const text of ['{', '[]', '5', 'null', '{"jsonrpc":"2.0"}', JSON.stringify(HELLO)]) socket.send(text);
  await expect.poll(() => answers.at(-1)?.id).toBe(1);
  expect(answers.slice(0, -1).map(({ id, error }) => [id, error?.code])).toEqual([
    [null, -32700],
    [null, -32600],
    [null, -32600],
    [null, -32600],
    [null, -32600],
  ]);
  socket.send(Buffer.from('binary'));
  const [code] = await once(socket, 'close');
  expect(code).toBe(1003);
});

test('a client that does not read is cut, and its turn ends', async () => {
  const limits = { softLimitBytes: 1_000, hardLimitBytes: 10_000, hardLimitMs: 50, cutBytes: 100_000 };
  const { agent, port, token } = await startAcp({ broker: { limits } });
  const { turn } = await agent('echo', async (own) => {
    while (!own.signal.aborted) {
      own.token('x'.repeat(10_000));
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  const socket = createConnection(port, '127.0.0.1');
  const head = ['GET /acp/echo HTTP/1.1', 'Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket'];
  const own = [
    `Authorization: Bearer ${token}`,
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];
  socket.write(`${[...head, ...own].join('\r\n')}\r\n\r\n`);
  const send = (message: object) => {
    const text = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }));
    const length = Buffer.from([0x81, 0x80 | 126, text.length >> 8, text.length & 255, 0, 0, 0, 0]);
    socket.write(Buffer.concat([length, text]));
  };
  let heard = '';
  const hears = async (words: string) => {
    while (!heard.includes(words)) heard += String((await once(socket, 'data'))[0]);
  };
  await hears('101');
  send(HELLO);
  await hears('agentInfo');
  send({ id: 2, method: 'session/new', params: { cwd: '/', mcpServers: [] } });
  await hears('sessionId');
  const sessionId = /acp-[0-9a-f-]{36}/.exec(heard)?.[0] ?? '';
  socket.pause();
  send({ id: 3, method: 'session/prompt', params: { sessionId, prompt: [{ type: 'text', text: 'go' }] } });
  await cancelled(await turn(0));
  socket.destroy();
});

describe('a client by HTTP', () => {
  const limits = { softLimitBytes: 1_000, hardLimitBytes: 10_000, hardLimitMs: 50, cutBytes: 100_000 };

  /** A client that has begun, and an agent that talks until it is stopped. */
  async function flooded() {
    const scene = await startAcp({ broker: { limits } });
    const { url, port, token } = scene;
    const { turn } = await scene.agent('echo', async (own) => {
      while (!own.signal.aborted) {
        own.token('x'.repeat(10_000));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    const post = (body: object, more: Record<string, string> = {}) =>
      fetch(`${url}/acp/echo`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...more },
        body: JSON.stringify({ jsonrpc: '2.0', ...body }),
      });
    const theirs = { 'acp-connection-id': (await post(HELLO)).headers.get('acp-connection-id') ?? '' };
    const read = (more: Record<string, string> = {}): Raw => {
      const raw = new Raw(port);
      const own = {
        authorization: `Bearer ${token}`,
        accept: 'text/event-stream',
        host: 'localhost',
        ...theirs,
        ...more,
      };
      raw.write('GET /acp/echo HTTP/1.1', ...Object.entries(own).map((line) => line.join(': ')), '', '');
      return raw;
    };
    const connection = read();
    await post({ id: 2, method: 'session/new', params: { cwd: '/', mcpServers: [] } }, theirs);
    await connection.until('"sessionId"');
    const sessionId = /acp-[0-9a-f-]{36}/.exec(connection.text)?.[0] ?? '';
    const inSession = { 'acp-session-id': sessionId };
    const prompt = () =>
      post(
        { id: 3, method: 'session/prompt', params: { sessionId, prompt: [{ type: 'text', text: 'go' }] } },
        { ...theirs, ...inSession },
      );
    return { turn, post, read: () => read(inSession), prompt, theirs };
  }

  test('that does not read its session is cut, and its turn ends', async () => {
    const { turn, post, read, prompt, theirs } = await flooded();
    const session = read();
    await session.until('200 OK');
    session.socket.pause();
    await prompt();
    await cancelled(await turn(0));
    expect((await post({ method: 'session/cancel', params: {} }, theirs)).status).toBe(404);
    session.socket.resume();
    await session.closed;
    // What waits in the sockets of the machine comes on top of what the broker keeps.
    expect(session.text.length).toBeLessThan(16 * 1024 * 1024);
  });

  test('that never reads its session is given up, and its turn ends', async () => {
    const { turn, post, prompt, theirs } = await flooded();
    await prompt();
    await cancelled(await turn(0));
    expect((await post({ method: 'session/cancel', params: {} }, theirs)).status).toBe(404);
  });

  test('that is told very much leaves nothing behind', async () => {
    const warnings: string[] = [];
    const note = ({ message }: Error) => warnings.push(message);
    process.on('warning', note);
    onTestFinished(() => void process.off('warning', note));
    const { agent, streamTo } = await startAcp();
    await agent('echo', async (own) => {
      for (let told = 0; told < 40; told += 1) {
        own.token('x'.repeat(200_000));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    const client = acpClient(streamTo('HTTP'));
    expect(await client.prompt(await client.begin(), 'go')).toEqual({ stopReason: 'end_turn' });
    expect(client.text).toHaveLength(40 * 200_000);
    expect(warnings).toEqual([]);
  });

  test('is told what is wrong as JSON-RPC', async () => {
    const { post, read, theirs } = await flooded();
    const refused = await post({ id: 4, method: 'session/close', params: { sessionId: 'x' } }, theirs);
    const message = 'Missing Acp-Session-Id';
    expect([refused.status, await refused.json()]).toEqual([
      400,
      { jsonrpc: '2.0', id: null, error: { code: -32600, message } },
    ]);
    const first = read();
    await first.until('200 OK');
    const second = read();
    await second.until('already has an active receiver"}}');
    expect(second.statuses).toEqual([409]);
  });
});

test('a broker that closes closes its WebSockets, too', async () => {
  const { agent, broker, streamTo } = await startAcp();
  await agent('echo', repeat);
  const client = acpClient(streamTo('WebSocket'));
  await client.begin();
  await broker.close();
  await client.connection.closed;
});
