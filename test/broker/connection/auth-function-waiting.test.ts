import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AUTH } from '../../../actors/connection/authenticator.ts';
import type { AuthAnswer } from '../../../broker.ts';
import { CloseCode } from '../../../protocol/close-codes.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { linkedPair } from '../../../transport/linked-pair.ts';
import { startInternals } from '../../support/internals.ts';
import { LinkedClient, settle } from '../../support/linked.ts';
import { parked } from './parked-auth.ts';

const _MISMATCH = { code: ErrorCode.InternalError, message: 'auth failed: token mismatch' };

describe('auth as a function › while it thinks', () => {
  test('then what the connection sends waits, and is dealt with in order afterwards', async () => {
    const linked = parked();
    const heard: unknown[] = [];
    linked.broker.method('note', { schema: z.object({ n: z.number() }), handler: ({ n }) => heard.push(n) });
    const client = linked.connect();
    const auth = client.post('session.auth', { token: 't' });
    const first = client.post('agents.list');
    client.notify('note', { n: 1 });
    client.send('{');
    const second = client.post('session.auth', { token: linked.broker.tokens.daemon });
    client.notify('note', { n: 2 });
    await settle();
    expect(client.frames).toEqual([]);
    linked.asked[0]?.answer(true);
    await settle();
    expect(client.frames.map(({ id }) => id)).toEqual([auth, first, null, second]);
    expect(client.replyTo(first).result).toEqual([]);
    expect(client.replyTo(second).error.code).toBe(ErrorCode.InvalidRequest);
    expect(heard).toEqual([1, 2]);
  });

  test('and refuses › then the first call that waited is one of somebody unknown', async () => {
    const linked = parked();
    const client = linked.connect();
    const auth = client.post('session.auth', { token: 't' });
    const call = client.post('agents.list');
    await settle();
    linked.asked[0]?.answer(false);
    await settle();
    expect(client.frames.map(({ id, error }) => [id, error.code])).toEqual([
      [auth, ErrorCode.InternalError],
      [call, ErrorCode.AuthRequired],
    ]);
    expect(client.closed).toBe(CloseCode.NotAuthenticated);
  });

  test('and refuses, and another token waits › then that is asked next, with the rest behind it', async () => {
    const linked = parked();
    const client = linked.connect();
    const ids = [
      client.post('session.auth', { token: 'a' }),
      client.post('session.auth', { token: 'b' }),
      client.post('agents.list'),
    ];
    await settle();
    expect(linked.asked).toHaveLength(1);
    linked.asked[0]?.answer(false);
    await settle();
    ids.push(client.post('tools.list'));
    await settle();
    expect(linked.asked.map(({ question }) => question.token)).toEqual(['a', 'b']);
    expect(client.frames).toHaveLength(1);
    linked.asked[1]?.answer({});
    await settle();
    expect(client.frames.map(({ id }) => id)).toEqual(ids);
    expect(client.replyTo(ids[2]).result).toEqual([]);
  });

  test('then audio waits as well, and is no binary frame of a stranger’s', async () => {
    const linked = parked();
    const client = linked.connect();
    client.post('session.auth', { token: 't' });
    client.sendBinary(new Uint8Array(3));
    await settle();
    expect(client.closed).toBeUndefined();
    linked.asked[0]?.answer(false);
    await settle();
    expect(client.closed).toBe(CloseCode.UnsupportedData);
  });

  test('and more comes than a stranger may send › then it closes with 4401, in many frames as in one', async () => {
    for (const frames of [['x'.repeat(70_000)], Array.from({ length: 600 }, () => '{}')]) {
      const linked = parked();
      const client = linked.connect();
      client.post('session.auth', { token: 't' });
      for (const frame of frames) client.send(frame);
      await settle();
      expect(client.closed).toBe(CloseCode.NotAuthenticated);
      linked.asked[0]?.answer(true);
      await settle();
      expect(client.frames).toEqual([]);
    }
  });

  test('longer than five seconds › then 4401 at five seconds, its signal aborts, and its answer goes nowhere', async () => {
    const linked = parked();
    const client = linked.connect();
    await linked.advance(3_000);
    client.post('session.auth', { token: 't', agent_id: 'echo' });
    await linked.advance(1_990);
    expect(client.closed).toBeUndefined();
    expect(linked.asked[0]?.question.signal.aborted).toBe(false);
    await linked.advance(40);
    expect(client.closed).toBe(CloseCode.NotAuthenticated);
    expect(linked.asked[0]?.question.signal.aborted).toBe(true);
    linked.asked[0]?.answer({ agentId: 'echo' });
    await settle();
    expect(client.frames).toEqual([]);
    expect(await (await linked.host()).ok('agents.list')).toEqual([]);
  });

  test('and a refusal came before › then the five seconds are still those since it opened', async () => {
    const linked = parked();
    const client = linked.connect();
    client.post('session.auth', { token: 't' });
    await linked.advance(4_000);
    linked.asked[0]?.answer(false);
    await linked.advance(1_040);
    expect(client.closed).toBe(CloseCode.NotAuthenticated);
  });

  test('and the connection goes › then its signal aborts, and the answer belongs to nobody', async () => {
    const linked = parked();
    const client = linked.connect();
    client.post('session.auth', { token: 't', agent_id: 'echo' });
    client.post('agents.list');
    await settle();
    client.close();
    await settle();
    expect(linked.asked[0]?.question.signal.aborted).toBe(true);
    linked.asked[0]?.answer({ agentId: 'echo' });
    await settle();
    expect(await (await linked.host()).ok('agents.list')).toEqual([]);
  });

  test('and the connection goes › then no actor ever hears of the answer', async () => {
    let answer: (answer: AuthAnswer) => void = () => {};
    const auth = () =>
      new Promise<AuthAnswer>((resolve) => {
        answer = resolve;
      });
    const broker = startInternals({ auth });
    const types: string[] = [];
    broker.inspect((event) => event.type === '@xstate.event' && types.push(event.event.type));
    const client = broker.connect();
    client.post('session.auth', { token: 't' });
    await settle();
    client.close();
    await settle();
    answer({ agentId: 'echo' });
    await settle();
    expect(types).toContain('auth.asked');
    expect(types.filter((type) => type.startsWith('auth.g'))).toEqual([]);
  });

  test('and the broker stops › then the connection is closed with 1001, and the end does not wait', async () => {
    const linked = parked();
    const client = linked.connect();
    client.post('session.auth', { token: 't' });
    await settle();
    await linked.broker.close();
    expect(client.closed).toBe(CloseCode.GoingAway);
    expect(linked.asked[0]?.question.signal.aborted).toBe(true);
  });

  test('for ever › then as many questions may be open as connections, and no more', async () => {
    const linked = parked({ limits: { maxConnections: 2 } });
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const client = linked.connect();
      client.post('session.auth', { token: 't' });
      await settle();
      client.close();
      await settle();
    }
    const client = linked.connect();
    expect((await client.call('session.auth', { token: 't' })).error.code).toBe(ErrorCode.LimitExceeded);
    linked.asked[0]?.answer(false);
    await settle();
    client.post('session.auth', { token: 't' });
    await settle();
    expect(linked.asked).toHaveLength(3);
  });
});

test('auth as a function › when it is known who a connection is › then its request is kept no longer', async () => {
  const linked = startInternals({ auth: ({ request }) => request?.url === '/' });
  const [near, far] = linkedPair();
  linked.state.get(AUTH).remember(far, { url: '/', headers: {}, socket: {} });
  linked.open(far);
  const client = new LinkedClient(near);
  const shown = () => linked.state.get(AUTH).ask({ token: 't' }, far, new AbortController().signal);
  expect(await shown()).toMatchObject({ role: 'client' });
  await client.ok('session.auth', { token: 't' });
  expect(await shown()).toBe('function');
});
