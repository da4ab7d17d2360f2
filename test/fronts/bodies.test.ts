import { describe, expect, test, vi } from 'vitest';
import { repeat, startFronts } from './front-scene.ts';
import { headOf, Raw } from './raw.ts';

const ask = (content: string, more: object = {}) =>
  JSON.stringify({ model: 'echo', messages: [{ role: 'user', content }], ...more });

async function startAsked(maxMessageBytes = 64 * 1024) {
  const scene = await startFronts({ broker: { limits: { maxMessageBytes } } });
  const { turns } = await scene.agent('echo', repeat);
  const post = async (body: BodyInit, headers: Record<string, string> = {}) => {
    const answer = await fetch(`${scene.url}/v1/chat/completions`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${scene.token}`, ...headers },
    });
    const said = (await answer.json()) as { error: { message: string; param: string | null } };
    return { status: answer.status, said };
  };
  return { ...scene, turns, post };
}

describe('a body › that is no good', () => {
  test.each([
    ['', 'the body is not JSON'],
    ['{', 'the body is not JSON'],
    ['nothing', 'the body is not JSON'],
    [new Uint8Array([0x22, 0xff, 0x22]), 'the body is not JSON'],
    ['null', 'the body is a JSON object'],
    ['[]', 'the body is a JSON object'],
    ['"text"', 'the body is a JSON object'],
    [`{"a":${'['.repeat(300)}${']'.repeat(300)}}`, 'the body: nested deeper than 200 levels'],
    ['{"a":1e999}', 'the body: holds a number out of range'],
  ])('%j › is 400, and said', async (body, message) => {
    const { post, turns } = await startAsked();
    expect(await post(body)).toMatchObject({ status: 400, said: { error: { message } } });
    expect(turns).toEqual([]);
  });

  test('that has more members than a message may have › is refused unread', async () => {
    const { post } = await startAsked(1024 * 1024);
    const { status, said } = await post(`{"a":[${'0,'.repeat(200_000)}0]}`);
    expect([status, said.error.message]).toEqual([400, expect.stringContaining('refused unread')]);
    const deep = await post(`{"a":${'['.repeat(250_000)}`);
    expect(deep.status).toBe(400);
  });

  test('that is no JSON by its own word › is 415', async () => {
    const { post } = await startAsked();
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', 'multipart/form-data'])
      expect((await post(ask('hi'), { 'content-type': type })).status, type).toBe(415);
    expect((await post(ask('hi'), { 'content-encoding': 'gzip' })).status).toBe(415);
    for (const type of ['application/json; charset=utf-8', 'APPLICATION/JSON', 'application/vnd.x+json'])
      expect((await post(ask('hi'), { 'content-type': type })).status, type).toBe(200);
  });

  test('that is too large › is 413, whether it says so or not', async () => {
    const { post, port, token } = await startAsked();
    expect((await post(ask('x'.repeat(70_000)))).status).toBe(413);
    // As large as it may be, and larger by what the broker adds.
    const most = ask('x'.repeat(64 * 1024 - ask('').length));
    expect([most.length, (await post(most)).status]).toEqual([64 * 1024, 413]);
    const raw = new Raw(port);
    const head = headOf(token, 0).replace('Content-Length: 0', 'Transfer-Encoding: chunked');
    raw.write(`${head}11170\r\n${'x'.repeat(0x11170)}\r\n`);
    await raw.until('too_large');
    expect(raw.statuses).toEqual([413]);
  });

  test('that is as large as it may be › is taken', async () => {
    const { post } = await startAsked();
    expect((await post(ask('x'.repeat(60_000)))).status).toBe(200);
  });
});

describe('a body › that does not come', () => {
  test('within its time › is 408', async () => {
    const { port, token } = await startAsked();
    // Node's own clock goes on for the sockets.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const raw = new Raw(port);
      raw.write(`${headOf(token, 100)}{"model"`);
      await vi.waitFor(() => expect(vi.getTimerCount()).toBeGreaterThan(0), { interval: 5 });
      await vi.waitFor(
        async () => {
          await vi.advanceTimersByTimeAsync(10_000);
          expect(raw.text).toContain('in time');
        },
        { interval: 5 },
      );
      expect(raw.statuses).toEqual([408]);
      await raw.closed;
    } finally {
      vi.useRealTimers();
    }
  });

  test('because too much is coming at once › is 429', async () => {
    const { port, token } = await startAsked(24 * 1024 * 1024);
    const half = Buffer.alloc(20 * 1024 * 1024, 0x20);
    const raws = Array.from({ length: 3 }, () => new Raw(port));
    for (const raw of raws) {
      raw.write(headOf(token, half.length + 1));
      raw.socket.write(half);
    }
    const refused = await Promise.race(raws.map((raw) => raw.until('limit_exceeded').then(() => raw)));
    expect(refused.statuses).toEqual([429]);
    expect(refused.text).toMatch(/retry-after: 1\r\n/i);
  });

  test('while others send theirs › makes room for them', async () => {
    const { port, token, turns } = await startAsked(24 * 1024 * 1024);
    const half = Buffer.alloc(20 * 1024 * 1024, 0x20);
    const slow = Array.from({ length: 2 }, () => new Raw(port));
    for (const raw of slow) {
      raw.write(headOf(token, half.length + 1));
      await new Promise<void>((resolve) => raw.socket.write(half, () => resolve()));
    }
    const quick = new Raw(port);
    quick.write(headOf(token, half.length + ask('hi').length));
    quick.socket.write(half);
    quick.write(ask('hi'));
    await quick.until('"finish_reason":"stop"');
    await Promise.race(slow.map((raw) => raw.until('limit_exceeded')));
    expect(slow.flatMap(({ statuses }) => statuses)).toEqual([429]);
    expect(turns).toHaveLength(1);
  });

  test('because its client goes › is forgotten', async () => {
    const { port, token, post, turns } = await startAsked();
    for (let at = 0; at < 20; at += 1) {
      const raw = new Raw(port);
      raw.write(`${headOf(token, 5_000)}{"model":`);
      await new Promise((resolve) => raw.socket.once('connect', resolve));
      raw.socket.destroy();
    }
    expect((await post(ask('hi'))).status).toBe(200);
    expect(turns).toHaveLength(1);
  });
});
