import { request } from 'node:http';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { type BrokerOptions, createBroker, type RouteHandler } from '../../broker.ts';
import { connectAgent } from '../../client/node.ts';
import { createLogger } from '../../daemon/log.ts';
import { Teardown } from '../../daemon/teardown.ts';
import { leadFrontsHome, serveFrontsForAll } from '../../daemon/workers/fronts.ts';
import { frontsSocket, linkDirectory } from '../../daemon/workers/place.ts';
import { makePrivate } from '../../link/unix-carrier.ts';
import { RelayReceiver } from '../../transport/relay-receiver.ts';
import { RelaySender } from '../../transport/relay-sender.ts';
import { temporaryDirectory } from './temporary.ts';

async function listening(options: BrokerOptions = {}) {
  const broker = createBroker({ ...options, limits: { drainTimeoutMs: 1, metricsMaxAgeMs: 0, ...options.limits } });
  onTestFinished(() => broker.close());
  const { port = 0 } = await broker.listen({ port: 0 });
  return { broker, port, url: `http://127.0.0.1:${port}` };
}

/** Two brokers, of which the first one serves fronts and the second one leads there, as two workers do. */
async function workers(edgeOptions: BrokerOptions = {}) {
  const home = temporaryDirectory();
  const log = await createLogger('silent', false, { write: () => {} });
  const [one, two] = [await listening(), await listening(edgeOptions)];
  const [atHome, atEdge] = [new Teardown(() => {}), new Teardown(() => {})];
  onTestFinished(() => atEdge.stop());
  onTestFinished(() => atHome.stop());
  const options = { fronts: ['openai', 'acp'] };
  await serveFrontsForAll(home, log, atHome)(one.broker, options);
  await leadFrontsHome(home, atEdge)(two.broker, options);
  const { token } = one.broker.upsertAgent({ id: 'echo', rotate_token: true });
  const reasons: string[] = [];
  let goOn = () => {};
  const agent = await connectAgent({
    link: () => one.broker.connect(),
    agentId: 'echo',
    token: token ?? '',
    async *onChat({ prompt, signal }) {
      signal.addEventListener('abort', () => reasons.push(signal.reason.reason));
      yield 'first ';
      if (prompt.includes('wait'))
        await new Promise<void>((resolve) => {
          goOn = resolve;
          signal.addEventListener('abort', () => resolve());
        });
      yield prompt;
    },
  });
  onTestFinished(() => agent.close());
  const chat = (url: string, content: string, more: { token?: string; signal?: AbortSignal } = {}) =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${more.token ?? one.broker.tokens.daemon}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ model: 'echo', stream: true, messages: [{ role: 'user', content }] }),
      ...(more.signal && { signal: more.signal }),
    });
  return { home, one, two, atHome, chat, reasons, goOn: () => goOn() };
}

const metricOf = async (url: string, line: string): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(
    text
      .split('\n')
      .find((found) => found.startsWith(`${line} `))
      ?.slice(line.length + 1),
  );
};

describe('a front of several workers', () => {
  it('is the same at each: what one has begun the other goes on with', async () => {
    const { one, two, chat } = await workers();
    const texts = [];
    for (const { url } of [one, two]) texts.push(await (await chat(url, 'hello')).text());
    for (const text of texts) {
      expect(text).toContain('"hello"');
      expect(text).toContain('data: [DONE]');
    }
    // A response is kept where fronts are, and asked for at either.
    const made = await fetch(`${two.url}/v1/responses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${one.broker.tokens.daemon}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'echo', input: 'kept', store: true }),
    });
    const { id } = (await made.json()) as { id: string };
    const next = (url: string) =>
      fetch(`${url}/v1/responses`, {
        method: 'POST',
        headers: { authorization: `Bearer ${one.broker.tokens.daemon}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'echo', input: 'more', previous_response_id: id }),
      });
    expect([(await next(one.url)).status, (await next(two.url)).status]).toEqual([200, 200]);
  });

  it('streams: the first event comes while the agent still works, and whoever goes cancels it', async () => {
    const { two, chat, reasons, goOn } = await workers();
    const leaving = new AbortController();
    const response = await chat(two.url, 'wait', { signal: leaving.signal });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let text = '';
    while (!text.includes('first')) text += Buffer.from((await reader.read()).value ?? []).toString();
    expect(await metricOf(two.url, 'switchboard_plain_connections')).toBeGreaterThan(0);
    leaving.abort();
    await vi.waitFor(() => expect(reasons).toEqual(['host_cancelled']), { timeout: 20_000 });
    goOn();
  });

  it('refuses who has no key as on one process, and names the address that they have come from', async () => {
    const entries: unknown[] = [];
    const state = { written: 0, lost: 0, failures: 0, waitingBytes: 0, isWritable: true };
    const home = temporaryDirectory();
    const audited = await listening({ audit: { note: (entry) => entries.push(entry), state } });
    const two = await listening();
    const steps = new Teardown(() => {});
    onTestFinished(() => steps.stop());
    const log = await createLogger('silent', false, { write: () => {} });
    await serveFrontsForAll(home, log, steps)(audited.broker, { fronts: ['openai'] });
    await leadFrontsHome(home, steps)(two.broker, { fronts: ['openai'] });
    const answer = await fetch(`${two.url}/v1/models`, { headers: { authorization: 'Bearer wrong' } });
    expect(answer.status).toBe(401);
    expect(await answer.json()).toMatchObject({ error: { code: 'invalid_api_key' } });
    expect(entries).toContainEqual({ what: 'session.auth', outcome: 'refused', ip: '127.0.0.1' });
    // By no header of theirs.
    const forged = { authorization: 'Bearer no', 'x-switchboard-client': '{"remote":"10.0.0.1"}' };
    await fetch(`${two.url}/v1/models`, { headers: forged });
    expect(entries.at(-1)).toMatchObject({ ip: '127.0.0.1' });
    const foreign = await fetch(`${two.url}/v1/models`, { headers: { origin: 'https://elsewhere.example' } });
    expect(foreign.status).toBe(403);
  });

  it('answers 503 with Retry-After at the others while the worker that serves it is gone, and then again', async () => {
    const { home, one, two, atHome, chat } = await workers();
    await atHome.stop();
    const answer = await chat(two.url, 'hello');
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await answer.json()).toMatchObject({ error: { code: 'worker_unavailable', message: expect.any(String) } });
    const ws = new WebSocket(`ws://127.0.0.1:${two.port}/acp/echo`, {
      headers: { authorization: `Bearer ${one.broker.tokens.daemon}` },
    });
    await expect(new Promise((_, reject) => ws.once('error', reject))).rejects.toThrow('503');
    const receiver = new RelayReceiver(one.broker.limits, () => {});
    onTestFinished(() => receiver.close());
    receiver.route('/v1', (_request, response) => void response.end('back'));
    await receiver.listen(frontsSocket(home));
    expect(await (await chat(two.url, 'hello')).text()).toBe('back');
  });

  it('counts a client once, where it is connected, and has no more than that worker has room for', async () => {
    const { one, two, chat, goOn } = await workers({ limits: { maxConnections: 1 } });
    const first = await chat(two.url, 'wait');
    expect(first.status).toBe(200);
    await vi.waitFor(async () => {
      const second = await chat(two.url, 'hello');
      expect([second.status, ((await second.json()) as { error: { message: string } }).error.message]).toEqual([
        503,
        'too many connections',
      ]);
    });
    // There is room at the other one.
    expect((await chat(one.url, 'hello')).status).toBe(200);
    goOn();
    await first.text();
    await vi.waitFor(async () => expect((await chat(two.url, 'hello')).status).toBe(200), { timeout: 20_000 });
  });
});

describe('a WebSocket of a front, at another worker than the front', () => {
  const initialize = { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: 1 } };

  async function connect(port: number, token: string, options: { protocols?: string[] } = {}) {
    const ws = options.protocols
      ? new WebSocket(`ws://127.0.0.1:${port}/acp/echo`, options.protocols)
      : new WebSocket(`ws://127.0.0.1:${port}/acp/echo`, { headers: { authorization: `Bearer ${token}` } });
    onTestFinished(() => ws.terminate());
    await new Promise((resolve, reject) => ws.once('open', resolve).once('error', reject));
    return ws;
  }

  it('carries frames both ways, and its end', async () => {
    const { one, two, atHome } = await workers();
    const { daemon } = one.broker.tokens;
    for (const options of [{}, { protocols: ['switchboard', `bearer.${daemon}`] }]) {
      const ws = await connect(two.port, daemon, options);
      const answered = new Promise((resolve) => ws.once('message', (data) => resolve(JSON.parse(String(data)))));
      ws.send(JSON.stringify(initialize));
      expect(await answered).toMatchObject({ id: 0, result: { protocolVersion: 1 } });
      const closed = new Promise<number>((resolve) => ws.once('close', resolve));
      if (options.protocols) await atHome.stop();
      else ws.close(1000);
      expect(await closed).toBe(options.protocols ? 1001 : 1000);
    }
  });

  it('is refused as it would be where the front is', async () => {
    const { two } = await workers();
    await expect(connect(two.port, 'wrong')).rejects.toThrow('401');
  });
});

describe('what is led to another process', () => {
  async function led(handler: RouteHandler, pageTimeoutMs = 20_000) {
    const home = temporaryDirectory();
    makePrivate(linkDirectory(home));
    const edge = await listening();
    const receiver = new RelayReceiver(edge.broker.limits, () => {});
    onTestFinished(() => receiver.close());
    receiver.route('/x', handler);
    await receiver.listen(frontsSocket(home));
    const sender = new RelaySender(frontsSocket(home), { ...edge.broker.limits, pageTimeoutMs });
    onTestFinished(() => sender.close());
    edge.broker.route('/x', sender.answer);
    return { ...edge, sender };
  }

  it('has its method, its path, its query, its headers and its body, and so has the answer', async () => {
    const { url, port } = await led(async (request, response, route) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { method, url: target, headers, socket } = request;
      const seen = { method, target, path: route.path, origin: route.url.origin, own: headers['x-own'], body };
      response.writeHead(207, { 'x-answer': 'yes', 'content-type': 'application/json' });
      response.end(JSON.stringify({ ...seen, remote: socket.remoteAddress, names: Object.keys(headers) }));
    });
    const big = 'b'.repeat(300_000);
    const answer = await fetch(`${url}/x/y?z=1`, { method: 'PUT', body: big, headers: { 'x-own': 'mine' } });
    expect([answer.status, answer.headers.get('x-answer')]).toEqual([207, 'yes']);
    const { names, ...seen } = (await answer.json()) as { names: string[] };
    expect(seen).toEqual({
      ...{ method: 'PUT', target: '/x/y?z=1', path: '/y', own: 'mine', body: big, remote: '127.0.0.1' },
      origin: `http://127.0.0.1:${port}`,
    });
    expect(names.filter((name) => name.startsWith('x-switchboard'))).toEqual([]);
    // One after another by the same connection.
    for (const method of ['DELETE', 'POST', 'HEAD', 'GET'])
      expect((await fetch(`${url}/x`, { method })).status, method).toBe(207);
  });

  it('is cut at the client where the other process cuts it half-way', async () => {
    const { url } = await led((_request, response) => {
      response.write('half');
      setImmediate(() => response.destroy());
    });
    await expect(fetch(`${url}/x`).then((answer) => answer.text())).rejects.toThrow();
  });

  it('waits for a client that reads slowly, and holds no more of it than a piece', async () => {
    let written = 0;
    let isFull = false;
    const { port } = await led((_request, response) => {
      const piece = Buffer.alloc(64 * 1024);
      for (let count = 0; count < 1_024 && !isFull; count += 1) {
        written += piece.length;
        isFull = !response.write(piece);
      }
      response.once('close', () => {});
    });
    const sent = request({ port, host: '127.0.0.1', path: '/x', agent: false });
    onTestFinished(() => void sent.destroy());
    sent.end();
    await new Promise((resolve) => sent.once('response', resolve));
    expect(isFull).toBe(true);
    expect(written).toBeLessThan(64 * 1024 * 1024);
  });

  it('is waited for by a stop, for a while', async () => {
    let finish = () => {};
    const { url, sender } = await led((_request, response) => {
      response.write('begun ');
      finish = () => response.end('and done');
    });
    const answer = await fetch(`${url}/x`);
    let isIdle = false;
    const idle = sender.idle(20_000).then(() => {
      isIdle = true;
    });
    expect(isIdle).toBe(false);
    finish();
    await idle;
    expect(await answer.text()).toBe('begun and done');
  });
});
