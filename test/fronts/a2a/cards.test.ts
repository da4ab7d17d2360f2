import { describe, expect, test, vi } from 'vitest';
import { createBroker, mountFronts } from '../../../broker.ts';
import { repeat, startFronts } from '../front-scene.ts';
import { answerOf, clientOf, said, taskOf } from './client.ts';

const CARD = '.well-known/agent-card.json';
const V1 = { headers: { 'a2a-version': '1.0' } };

describe('an agent’s card', () => {
  test('is there for everybody, and says all that a client needs', async () => {
    const scene = await startFronts();
    scene.broker.upsertAgent({
      id: 'echo',
      name: 'Echo',
      capabilities: ['repeat'],
      metadata: { description: 'Says it again', version: '7' },
    });
    const response = await fetch(`${scene.url}/a2a/echo/${CARD}`, V1);
    expect(response.status).toBe(200);
    const url = `${scene.url}/a2a/echo`;
    expect(await response.json()).toMatchObject({
      name: 'Echo',
      description: 'Says it again',
      version: '7',
      supportedInterfaces: [
        { url, protocolBinding: 'JSONRPC', protocolVersion: '1.0' },
        { url, protocolBinding: 'JSONRPC', protocolVersion: '0.3' },
      ],
      capabilities: { streaming: true, pushNotifications: false },
      securitySchemes: { bearer: { httpAuthSecurityScheme: { scheme: 'bearer' } } },
      skills: [{ id: 'repeat' }],
    });
    const etag = response.headers.get('etag') ?? '';
    const again = await fetch(`${scene.url}/a2a/echo/${CARD}`, { headers: { ...V1.headers, 'if-none-match': etag } });
    expect(again.status).toBe(304);
  });

  test('is that of 0.3 for who does not say that they speak 1.0', async () => {
    const scene = await startFronts();
    scene.broker.upsertAgent({ id: 'echo' });
    expect(await (await fetch(`${scene.url}/a2a/echo/${CARD}`)).json()).toMatchObject({
      name: 'echo',
      url: `${scene.url}/a2a/echo`,
      preferredTransport: 'JSONRPC',
      protocolVersion: '0.3.0',
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      skills: [{ id: 'chat' }],
      supportedInterfaces: [{ protocolVersion: '1.0' }, { protocolVersion: '0.3' }],
    });
  });

  test('names what the daemon is called outside', async () => {
    const scene = await startFronts({ a2a: { publicUrl: 'https://agents.example/here/' } });
    scene.broker.upsertAgent({ id: 'a.b-c' });
    const card = await (await fetch(`${scene.url}/a2a/a.b-c/${CARD}`, V1)).json();
    expect(card).toMatchObject({ supportedInterfaces: [{ url: 'https://agents.example/here/a2a/a.b-c' }, {}] });
  });

  test('is the daemon’s own, where it was made so', async () => {
    const scene = await startFronts({ a2a: { root: 'echo' } });
    await scene.agent('echo', repeat);
    const atRoot = await (await fetch(`${scene.url}/${CARD}`, V1)).json();
    expect(atRoot).toEqual(await (await fetch(`${scene.url}/a2a/echo/${CARD}`, V1)).json());
    const client = await clientOf(scene, { agent: '..' });
    expect(answerOf(await taskOf(client.sendMessage(said('hi'))))).toBe('hi');
    expect((await fetch(`${scene.url}/${CARD}/more`)).status).toBe(401);
    expect((await fetch(`${(await startFronts()).url}/${CARD}`)).status).toBe(404);
  });

  test('is not there › where there is no such agent, and of another tenant’s for their keys alone', async () => {
    const scene = await startFronts();
    scene.broker.upsertAgent({ id: 'echo' });
    expect((await fetch(`${scene.url}/a2a/nobody/${CARD}`)).status).toBe(404);
    expect((await fetch(`${scene.url}/a2a/%00/${CARD}`)).status).toBe(404);
    const key = await scene.key('eve', { tenant: 'others' });
    const headers = { authorization: `Bearer ${key}` };
    expect((await fetch(`${scene.url}/a2a/echo/${CARD}`, { headers })).status).toBe(404);
    const wrong = await fetch(`${scene.url}/a2a/echo/${CARD}`, { headers: { authorization: 'Bearer wrong' } });
    expect(wrong.status).toBe(200);
  });

  test('costs no more than a list of the agents a second, however many strangers ask', async () => {
    const scene = await startFronts();
    const { token } = scene.broker.upsertAgent({ id: 'echo', rotate_token: true });
    await fetch(`${scene.url}/a2a/echo/${CARD}`);
    const connect = vi.spyOn(scene.broker, 'connect');
    const began = performance.now();
    const headers = [{}, { authorization: 'Bearer wrong' }, { authorization: `Bearer ${token}` }];
    const asked = Array.from({ length: 60 }, (_, at) => ({ headers: headers[at % 3] as Record<string, string> }));
    const answers = await Promise.all(asked.map((init) => fetch(`${scene.url}/a2a/echo/${CARD}`, init)));
    expect(answers.map(({ status }) => status)).toEqual(Array(60).fill(200));
    const seconds = (performance.now() - began) / 1_000;
    expect(connect.mock.calls.length).toBeLessThanOrEqual(1 + Math.ceil(seconds));
    await fetch(`${scene.url}/a2a/echo/${CARD}`, { headers: { authorization: `Bearer ${await scene.key('ada')}` } });
    expect(connect.mock.lastCall?.[0]).toMatchObject({ principal: { sub: expect.stringContaining('ada') } });
  });

  test.each([
    [{ publicUrl: 'ftp://x.example' }, 'is no http(s) URL'],
    [{ publicUrl: 'nothing' }, 'is no URL'],
    [{ publicUrl: 'https://user@x.example' }, 'no user'],
    [{ publicUrl: 'https://x.example/?key=1' }, 'no query'],
    [{ root: 'no such/agent' }, 'a2a.root'],
  ])('with settings that are none, %j › is refused', async (a2a, why) => {
    const broker = createBroker();
    expect(() => mountFronts(broker, { fronts: ['a2a'], a2a })).toThrow(why);
    await broker.close();
  });
});
