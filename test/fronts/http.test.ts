import { describe, expect, onTestFinished, test } from 'vitest';
import { createBroker, mountFronts } from '../../broker.ts';
import { connectHost } from '../../client/node.ts';
import { http } from '../transport/socket-client.ts';
import { cancelled, deferred, repeat, startFronts } from './front-scene.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const ask = (model: string, more: object = {}) =>
  JSON.stringify({ model, messages: [{ role: 'user', content: 'good day' }], ...more });

async function startAsked() {
  const scene = await startFronts();
  await scene.agent('echo', repeat);
  const post = (key: string | undefined, body: BodyInit, more: RequestInit = {}) =>
    fetch(`${scene.url}/v1/chat/completions`, {
      method: 'POST',
      body,
      ...more,
      headers: { ...JSON_TYPE, ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...more.headers },
    });
  return { ...scene, post };
}

describe('a front › when somebody comes', () => {
  test('then a key is needed, and what it is for counts', async () => {
    const { post, key, token, broker } = await startAsked();
    const answer = await post(undefined, ask('echo'));
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(await answer.json()).toMatchObject({ error: { code: 'invalid_api_key', type: 'authentication_error' } });
    const wrong = ['', 'x', 'sbk_x', await key('web', { fronts: ['ws'] })];
    for (const each of wrong) expect((await post(each, ask('echo'))).status, each).toBe(401);
    const right = [token, broker.tokens.host, await key('all'), await key('one', { fronts: ['openai'] })];
    for (const each of right) expect((await post(each, ask('echo'))).status).toBe(200);
    expect((await post(await key('bound', { agents: ['other'] }), ask('echo'))).status).toBe(404);
    expect((await post(await key('looks', { scopes: ['observe'] }), ask('echo'))).status).toBe(403);
  });

  test('then nobody manages, and an agent’s own token is no key', async () => {
    const { post, key, broker } = await startAsked();
    expect((await post(await key('boss', { scopes: ['host'] }), ask('echo'))).status).toBe(200);
    const who = (front: 'openai' | 'ws') =>
      broker.identifyBearer({ headers: { authorization: `Bearer ${broker.tokens.host}` }, socket: {} } as never, front);
    expect((await who('openai'))?.role).toBe('client');
    expect((await who('ws'))?.role).toBe('host');
    const { token = '' } = broker.upsertAgent({ id: 'echo', rotate_token: true });
    expect((await post(token, ask('echo'))).status).toBe(401);
  });

  test('then without authentication any key does, or none', async () => {
    const { url, agent } = await startFronts({ broker: { auth: false } });
    await agent('echo', repeat);
    const request = { method: 'POST', body: ask('echo'), headers: JSON_TYPE };
    expect((await fetch(`${url}/v1/chat/completions`, request)).status).toBe(200);
    const headers = { ...JSON_TYPE, authorization: 'Bearer unused' };
    expect((await fetch(`${url}/v1/chat/completions`, { ...request, headers })).status).toBe(200);
  });

  test('then an embedder’s identity that is an agent is refused: it would take the agent’s place', async () => {
    const { url, token } = await startFronts({ broker: { auth: () => ({ agentId: 'echo' }) } });
    const answer = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer other-${token}` } });
    expect(answer.status).toBe(403);
  });

  test('then there is nothing but its paths, in its own words', async () => {
    const { url, token } = await startAsked();
    const headers = { authorization: `Bearer ${token}` };
    for (const path of [
      '',
      '/',
      '/nothing',
      '/chat',
      '/chat/completions/more',
      '/models/a/b',
      '/embeddings',
      '/completions',
    ]) {
      const answer = await fetch(`${url}/v1${path}`, { headers });
      expect(answer.status, path).toBe(404);
      expect(await answer.json()).toMatchObject({ error: { code: 'unknown_url', type: 'invalid_request_error' } });
      expect((await fetch(`${url}/v1${path}`)).status, path).toBe(401);
    }
    expect((await fetch(`${url}/v1/models/%ff`, { headers })).status).toBe(404);
    expect((await fetch(`${url}/v1/models/echo?token=${token}`)).status).toBe(401);
    const method = await fetch(`${url}/v1/models`, { method: 'POST', headers });
    expect([method.status, method.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
    expect((await fetch(`${url}/v1/chat/completions`, { headers })).status).toBe(405);
  });

  test('then HEAD and OPTIONS are answered everywhere', async () => {
    const { url, token } = await startAsked();
    const headers = { authorization: `Bearer ${token}` };
    const head = async (path: string) => (await fetch(`${url}/v1${path}`, { method: 'HEAD', headers })).status;
    expect(await Promise.all(['/models', '/models/echo', '/models/x', '/chat/completions', '/x'].map(head))).toEqual([
      200, 200, 404, 405, 404,
    ]);
    for (const path of ['/models', '/chat/completions', '/x', '']) {
      const answer = await fetch(`${url}/v1${path}`, { method: 'OPTIONS' });
      expect([answer.status, await answer.text()], path).toEqual([204, '']);
    }
  });

  test('then a page of an allowed origin may ask and read, and no other', async () => {
    const origin = 'https://chat.example';
    const { port, token, agent } = await startFronts({ broker: { allowedOrigins: [origin] } });
    await agent('echo', repeat);
    const asked = {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,x-any',
    };
    const before = await http(port, '/v1/chat/completions', { method: 'OPTIONS', headers: asked });
    expect(before).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': origin,
        'access-control-allow-headers': 'authorization,x-any',
        'access-control-allow-methods': expect.stringContaining('POST'),
        vary: 'Origin',
      },
    });
    expect(before.headers).not.toHaveProperty('access-control-allow-credentials');
    const read = await http(port, '/v1/models', { headers: { origin, authorization: `Bearer ${token}` } });
    expect(read).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': origin } });
    expect(read.headers['access-control-expose-headers']).toContain('x-switchboard-session');
    for (const method of ['OPTIONS', 'GET']) {
      const evil = await http(port, '/v1/models', { method, headers: { ...asked, origin: 'https://evil.example' } });
      expect(evil.status).toBe(403);
      expect(evil.headers).not.toHaveProperty('access-control-allow-origin');
    }
    expect((await http(port, '/v1/models', { headers: { host: 'evil.example' } })).status).toBe(403);
  });

  test('and the broker drains › then no turn is begun, and those that are there may end', async () => {
    const { broker, post, token, agent } = await startFronts({ broker: { limits: { drainTimeoutMs: 10_000 } } }).then(
      async (scene) => ({
        ...scene,
        post: (model: string) =>
          fetch(`${scene.url}/v1/chat/completions`, {
            method: 'POST',
            body: ask(model, { stream: model === 'slow' }),
            headers: { ...JSON_TYPE, authorization: `Bearer ${scene.token}` },
          }),
      }),
    );
    const end = deferred();
    await agent('slow', async (turn) => {
      turn.token('first');
      await end.promise;
      return undefined;
    });
    await agent('echo', repeat);
    const live = await post('slow');
    const closed = broker.close();
    const refused = await post('echo');
    expect([refused.status, await refused.json()]).toMatchObject([503, { error: { code: 'draining' } }]);
    end.resolve();
    expect(await live.text()).toContain('data: [DONE]');
    await closed;
    expect(token).not.toBe('');
  });

  test('and a key is removed › then its turns end', async () => {
    const { broker, url, agent, key } = await startFronts();
    const { turn } = await agent('echo', async (turn) => {
      turn.token('first');
      await cancelled(turn);
    });
    const headers = { ...JSON_TYPE, authorization: `Bearer ${await key('ada')}` };
    const answer = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      body: ask('echo', { stream: true }),
      headers,
    });
    const live = await turn();
    await broker.keys.remove({ name: 'ada' });
    // Cancelled from elsewhere, as by somebody at the console.
    expect(await answer.text()).toContain('"finish_reason":"stop"');
    expect((await fetch(`${url}/v1/models`, { headers })).status).toBe(401);
    await cancelled(live);
  });
});

describe('mountFronts › when it is asked', () => {
  test.each([
    [{ fronts: ['nothing'] }, 'mountFronts: there is no front "nothing"'],
    [{ fronts: ['all', 'openai'] }, 'mountFronts: all and none stand alone'],
    [{ fronts: 'openai' }, "mountFronts: fronts is a list of names, or 'all'"],
    [{ fronts: [], parkTimeoutMs: 0 }, 'mountFronts: parkTimeoutMs is a number of milliseconds, from 1 to 2147483647'],
    [{ fronts: [], speed: 1 }, 'speed'],
    [{ fronts: [], openai: { show: true } }, 'show'],
  ])('for %j › then it says what is wrong', (options, message) => {
    const broker = createBroker();
    onTestFinished(() => broker.close());
    expect(() => mountFronts(broker, options as never)).toThrow(message);
  });

  test('for none › then there are none, and twice the same is refused', async () => {
    const broker = createBroker();
    onTestFinished(() => broker.close());
    mountFronts(broker, { fronts: [] });
    mountFronts(broker, { fronts: ['none'] });
    const { port = 0 } = await broker.listen({ port: 0 });
    expect((await fetch(`http://127.0.0.1:${port}/v1/models`)).status).toBe(404);
    mountFronts(broker, { fronts: ['openai'] });
    expect(() => mountFronts(broker, { fronts: 'all' })).toThrow('/v1');
  });

  test('then a turn says by which front it came', async () => {
    const { broker, url, token, agent } = await startFronts();
    const { turn } = await agent('echo', async (turn) => {
      await cancelled(turn);
    });
    const leave = new AbortController();
    const headers = { ...JSON_TYPE, authorization: `Bearer ${token}` };
    void fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      body: ask('echo'),
      headers,
      signal: leave.signal,
    }).catch(() => {});
    await turn();
    const host = await connectHost({ link: broker.connect(), hostToken: broker.tokens.host });
    onTestFinished(() => host.close());
    expect(await host.sessions()).toMatchObject([{ front: 'openai' }]);
    expect((await host.events()).find(({ kind }) => kind === 'chat.started')?.payload).toMatchObject({
      front: 'openai',
    });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('switchboard_front_turns_total{front="openai"} 1');
    leave.abort();
  });
});
