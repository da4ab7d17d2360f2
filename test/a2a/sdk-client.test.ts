import { afterEach, describe, expect, test } from 'vitest';
import { SdkA2aClient } from '../../a2a/sdk-client.ts';
import type { A2aMessage } from '../../protocol/a2a-client.ts';
import { startA2aAgent, startServer, type TestServer } from '../support/a2a-server.ts';

const open: TestServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});
async function use<T extends TestServer>(starting: Promise<T>): Promise<T> {
  const server = await starting;
  open.push(server);
  return server;
}

const action = { name: 'go', surfaceId: 's', sourceComponentId: 'b', timestamp: '2026-01-01T00:00:00Z', context: {} };
const message = (endpoint: string, more: Partial<A2aMessage> = {}): A2aMessage => ({
  endpoint,
  headers: {},
  messageId: 'm-1',
  taskId: undefined,
  contextId: undefined,
  action,
  maxAnswerBytes: 1024 * 1024,
  signal: new AbortController().signal,
  ...more,
});
const SECRET = { authorization: 'Bearer s3cret-s3cret' };

describe('SdkA2aClient › when the peer is a real agent', () => {
  test.each(['1.0', '0.3'] as const)(
    'of A2A %s › then it gets the action as a data part, and answers',
    async (generation) => {
      const agent = await use(startA2aAgent({ generation, think: () => ({ text: 'hello', data: [{ a: 1 }] }) }));
      const answer = await new SdkA2aClient().send(message(agent.url, { contextId: 'c-1', headers: SECRET }));
      expect(answer).toMatchObject({ protocol: generation, contextId: 'c-1', text: 'hello' });
      expect(JSON.stringify(answer.payload)).toContain('"data":{"a":1}');
      expect(agent.messages[0]?.parts.map(({ content }) => content)).toEqual([
        { $case: 'data', value: { a2uiAction: action } },
      ]);
      const methods = agent.heard.map(({ body }) => JSON.parse(body).method);
      expect(methods).toEqual(generation === '1.0' ? ['SendMessage'] : ['SendMessage', 'message/send']);
      for (const { headers, url } of agent.heard) {
        expect(headers.authorization).toBe(SECRET.authorization);
        expect(url).toBe('/a2a');
      }
    },
  );

  test('of A2A 0.3 that has answered before › then it is asked in its own way at once', async () => {
    const agent = await use(startA2aAgent({ generation: '0.3' }));
    const client = new SdkA2aClient();
    await client.send(message(agent.url));
    await client.send(message(agent.url));
    expect(agent.messages).toHaveLength(2);
    expect(agent.heard).toHaveLength(3);
  });

  test.each(['0.3', '1.0'] as const)(
    'of A2A %s that is replaced by one of the other generation › then that one is reached too',
    async (generation) => {
      let spoken: string = generation;
      const server = await use(
        startServer(({ body }, response) => {
          const { id, method } = JSON.parse(body);
          const isOld = method === 'message/send';
          const message = isOld
            ? { kind: 'message', messageId: 'x', role: 'agent', parts: [] }
            : { message: { messageId: 'x', role: 'ROLE_AGENT', parts: [] } };
          const error = { code: -32601, message: 'method not found' };
          const isSpoken = spoken === (isOld ? '0.3' : '1.0');
          const answer = isSpoken ? { result: message } : { error };
          response.end(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
        }),
      );
      const client = new SdkA2aClient();
      expect(await client.send(message(server.url))).toMatchObject({ protocol: generation });
      spoken = generation === '0.3' ? '1.0' : '0.3';
      expect(await client.send(message(server.url))).toMatchObject({ protocol: spoken });
      const before = server.heard.length;
      expect(await client.send(message(server.url))).toMatchObject({ protocol: spoken });
      expect(server.heard).toHaveLength(before + 1);
      spoken = 'none';
      await expect(client.send(message(server.url))).rejects.toMatchObject({ name: 'A2aError', reason: 'rejected' });
      expect(server.heard).toHaveLength(before + 3);
    },
  );

  test('that answers with a task › then its id and state are told', async () => {
    const agent = await use(startA2aAgent({ think: () => ({ text: 'all done', asTask: true }) }));
    const answer = await new SdkA2aClient().send(message(agent.url));
    expect(answer).toMatchObject({ state: 'TASK_STATE_COMPLETED', text: 'all done', taskId: expect.any(String) });
  });

  test('that refuses › then its error is told', async () => {
    const agent = await use(startA2aAgent());
    await expect(new SdkA2aClient().send(message(agent.url, { taskId: 'no-such' }))).rejects.toMatchObject({
      name: 'A2aError',
      reason: 'rejected',
    });
    expect(agent.messages).toEqual([]);
  });
});

describe('SdkA2aClient › when the endpoint', () => {
  test.each([301, 302, 307, 308])(
    'redirects with %i › then that fails, and nobody else hears anything',
    async (status) => {
      const thief = await use(startServer((_heard, response) => void response.end('{}')));
      const server = await use(
        startServer((_heard, response) => void response.writeHead(status, { location: thief.url }).end()),
      );
      await expect(new SdkA2aClient().send(message(server.url, { headers: SECRET }))).rejects.toMatchObject({
        reason: 'redirect',
      });
      expect(server.heard).toHaveLength(1);
      expect(thief.heard).toEqual([]);
    },
  );

  test.each([
    ['answers with a page', 404, 'secret page', 'http'],
    ['answers with no JSON', 200, '<html>', 'invalid_answer'],
    ['answers with other JSON', 200, '{"jsonrpc":"2.0","id":99,"result":{}}', 'invalid_answer'],
    ['answers with an error', 500, '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no"}}', 'rejected'],
    ['answers with nothing', 204, '', 'invalid_answer'],
    ['answers with nothing else', 205, '', 'invalid_answer'],
    ['answers with no body', 200, '', 'invalid_answer'],
    ['has a status of its own', 600, 'secret page', 'http'],
    ['has one for its error', 600, '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no"}}', 'rejected'],
    ['answers too much', 200, `"${'x'.repeat(3_000)}"`, 'too_large'],
  ])('%s › then the failure says so, and shows nothing of it', async (_what, status, body, reason) => {
    const server = await use(startServer((_heard, response) => void response.writeHead(status).end(body)));
    const failure = await new SdkA2aClient()
      .send(message(server.url, { headers: SECRET, maxAnswerBytes: 2_000 }))
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'A2aError', reason });
    expect(String(failure)).not.toMatch(/secret page|s3cret|html|xxx/);
    expect(server.heard).toHaveLength(1);
  });

  test('never stops answering › then it is read no further than it may', async () => {
    let written = 0;
    const server = await use(
      startServer((_heard, response) => {
        const more = () => {
          do written += 16 * 1024;
          while (!response.destroyed && response.write(Buffer.alloc(16 * 1024, 32)));
        };
        response.on('drain', more);
        more();
      }),
    );
    const sending = new SdkA2aClient().send(message(server.url, { maxAnswerBytes: 100_000 }));
    await expect(sending).rejects.toMatchObject({ reason: 'too_large' });
    expect(written).toBeGreaterThan(100_000);
  });

  test('is not there › then it cannot be reached', async () => {
    const server = await startServer(() => {});
    await server.close();
    await expect(new SdkA2aClient().send(message(server.url))).rejects.toMatchObject({ reason: 'unreachable' });
  });

  test('is silent, and nobody waits any more › then the request ends', async () => {
    let tellArrived = () => {};
    const arrived = new Promise<void>((resolve) => {
      tellArrived = resolve;
    });
    const server = await use(startServer(() => tellArrived()));
    const abort = new AbortController();
    const sending = new SdkA2aClient().send(message(server.url, { signal: abort.signal }));
    await arrived;
    abort.abort();
    await expect(sending).rejects.toMatchObject({ reason: 'unreachable' });
  });
});
