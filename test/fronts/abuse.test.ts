import { Agent, type IncomingMessage, request } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cancelled, repeat, startFronts } from './front-scene.ts';
import { headOf, Raw } from './raw.ts';

const ask = (content: string, more: object = {}) =>
  JSON.stringify({ model: 'echo', messages: [{ role: 'user', content }], ...more });

describe('whoever writes HTTP by hand', () => {
  test('and smuggles one request into another › is refused, and nothing is run', async () => {
    const { port, token, agent } = await startFronts();
    const { turns } = await agent('echo', repeat);
    const inner = `${headOf(token, ask('hi').length)}${ask('hi')}`;
    const attempts = [
      `${headOf(token, 5, 'Transfer-Encoding: chunked').replace(/\r\n$/, '')}\r\n0\r\n\r\n${inner}`,
      headOf(token, '5, 6'),
      headOf(token, 5, 'Content-Length: 6'),
      headOf(token, 5, 'Transfer-Encoding: xchunked'),
      headOf(token, -1),
      `${headOf(token, 5, 'X-A: b\0c')}{"a":`,
      headOf(token, 5, ' X-Folded: yes'),
      headOf(token, 5, 'X Y: z'),
    ];
    for (const attempt of attempts) {
      const raw = new Raw(port);
      raw.write(attempt);
      await raw.closed;
      expect(raw.statuses, attempt.slice(0, 300)).toEqual([400]);
    }
    expect(turns).toEqual([]);
  });

  test('and sends the next request before the answer › is answered once', async () => {
    const { port, token, agent } = await startFronts();
    const { turns } = await agent('echo', repeat);
    const raw = new Raw(port);
    const one = `${headOf(token, ask('hi').length)}${ask('hi')}`;
    raw.write(one + one + one);
    await raw.closed;
    expect(raw.statuses).toEqual([200]);
    expect(turns).toHaveLength(1);
  });

  test('and asks on the same connection after each answer › is answered each time', async () => {
    const { port, token, agent } = await startFronts();
    const { turns } = await agent('echo', repeat);
    const keepAlive = new Agent({ keepAlive: true, maxSockets: 1 });
    onTestFinished(() => keepAlive.destroy());
    const post = (key: string, stream: boolean) =>
      new Promise<[number | undefined, boolean]>((resolve, reject) => {
        const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
        const sent = request(
          { port, agent: keepAlive, method: 'POST', path: '/v1/chat/completions', headers },
          (answer) => answer.resume().once('end', () => resolve([answer.statusCode, sent.reusedSocket])),
        );
        sent.once('error', reject).end(ask('hi', { stream }));
      });
    expect(await post(token, true)).toEqual([200, false]);
    expect(await post('wrong', false)).toEqual([401, true]);
    expect(await post(token, false)).toEqual([200, true]);
    expect(await post(token, true)).toEqual([200, true]);
    expect(turns).toHaveLength(3);
  });

  test('and has the broker wait for half a request › hinders nobody', async () => {
    const { port, token, agent, url } = await startFronts();
    await agent('echo', repeat);
    const halves = ['', 'P', 'POST /v1/chat/completions HTTP/1.1\r\n', `${headOf(token, 1_000)}{"model"`];
    const raws = halves.map((half) => {
      const raw = new Raw(port);
      raw.write(half);
      return raw;
    });
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${url}/v1/models`, { headers })).status).toBe(200);
    expect(raws.flatMap(({ statuses }) => statuses)).toEqual([]);
  });

  test('and expects to be told to go on › is', async () => {
    const { port, token, agent } = await startFronts();
    await agent('echo', repeat);
    const raw = new Raw(port);
    raw.write(headOf(token, ask('hi').length, 'Expect: 100-continue'));
    await raw.until('100 Continue');
    raw.write(ask('hi'));
    await raw.until('"finish_reason":"stop"');
    expect(raw.statuses).toEqual([100, 200]);
    const other = new Raw(port);
    other.write(headOf(token, 10, 'Expect: 200-maybe'));
    await other.until('417');
  });

  test('and brings a head that is too large, or no method that there is › is refused', async () => {
    const { port, token } = await startFronts();
    const large = new Raw(port);
    large.write(headOf(token, 5, `X-Large: ${'x'.repeat(20_000)}`));
    await large.closed;
    expect(large.statuses).toEqual([431]);
    const method = new Raw(port);
    method.write('BREW /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await method.closed;
    expect(method.statuses).toEqual([400]);
    const trace = new Raw(port);
    trace.write(`TRACE /v1/models HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    await trace.until('405');
  });
});

test('ten thousand wrong keys beside a stream › which notices nothing', async () => {
  const { port, url, token, agent } = await startFronts();
  const { turn } = await agent('echo', async (turn) => {
    await cancelled(turn);
  });
  const raw = new Raw(port);
  raw.write(headOf(token, ask('hi', { stream: true }).length) + ask('hi', { stream: true }));
  const stream = await turn();
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const keepAlive = new Agent({ keepAlive: true, maxSockets: 20 });
  onTestFinished(() => keepAlive.destroy());
  const wrong = (at: number) =>
    new Promise<number | undefined>((resolve, reject) => {
      const asked = { ...headers, authorization: `Bearer sbk_${at}` };
      request(`${url}/v1/chat/completions`, { agent: keepAlive, method: 'POST', headers: asked }, (answer) =>
        answer.resume().once('end', () => resolve(answer.statusCode)),
      )
        .once('error', reject)
        .end(ask('hi'));
    });
  const statuses = new Set<number | undefined>();
  let answered = 0;
  for (let round = 0; round < 200; round += 1) {
    const asked = Array.from({ length: 50 }, (_, at) => wrong(round * 50 + at));
    for (const each of asked) void each.then(() => (answered += 1));
    // Each delta arrives while they are asking.
    stream.token(`${round} `);
    await raw.until(`"content":"${round} "`);
    expect(answered).toBeLessThan((round + 1) * 50);
    for (const status of await Promise.all(asked)) statuses.add(status);
  }
  // Most of them asked too fast to be told so.
  expect(statuses).toEqual(new Set([401, 429]));
  const deltas = [...raw.text.matchAll(/"delta":\{"content":"(\d+) "\}/g)].map(([, at]) => Number(at));
  expect(deltas).toEqual(Array.from({ length: 200 }, (_, at) => at));
}, 60_000);

test('more open streams than connections that nobody knows › are as many as there may be connections, and one more is 503', async () => {
  const most = 300;
  const limits = { maxConnections: most, maxPlainConnections: 40, maxPlainPerAddress: 10 };
  const { url, token, agent } = await startFronts({ broker: { limits } });
  const { turns } = await agent('echo', async (turn) => {
    turn.token('first');
    await cancelled(turn);
  });
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const open = (model = 'echo') =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(`${url}/v1/chat/completions`, { agent: false, method: 'POST', headers });
      onTestFinished(() => void sent.destroy());
      sent.once('error', reject).once('response', resolve);
      sent.end(ask('hi', { model, stream: true }));
    });
  const answers: IncomingMessage[] = [];
  while (answers.length < most) answers.push(...(await Promise.all(Array.from({ length: 30 }, () => open()))));
  expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
  expect(turns).toHaveLength(most);
  const refused = await open();
  expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '1']);
  // Whoever asks for a page is none of them.
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  answers[0]?.destroy();
  await expect.poll(async () => (await open()).statusCode).toBe(200);
}, 60_000);

test('whoever tries one key after another › is told so as slowly as who asks for pages', async () => {
  const { url, token, agent } = await startFronts({ broker: { limits: { pagesPerSecond: 1, pageBurst: 3 } } });
  await agent('echo', repeat);
  const post = async (key: string) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}/v1/chat/completions`, { method: 'POST', body: ask('hi'), headers });
    return [answer.status, answer.headers.get('retry-after')];
  };
  for (let at = 0; at < 3; at += 1) expect(await post(`sbk_${at}`)).toEqual([401, null]);
  expect(await post('sbk_x')).toEqual([429, '1']);
  // Who has a key is not held up.
  for (let at = 0; at < 10; at += 1) expect(await post(token)).toEqual([200, null]);
});
