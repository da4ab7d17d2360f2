import { expect, test } from 'vitest';
import { readMetric } from '../support/metrics.ts';
import { SocketClient, startListening } from './socket-client.ts';

/** Far less than whoever is held up here has to wait. */
const IMPATIENT = { pingIntervalMs: 25, heartbeatTimeoutMs: 200, messageTimeoutMs: 200, authTimeoutMs: 60_000 };

test('a connection that is not read until it has paid › is neither silent nor late meanwhile', async () => {
  const { broker, address } = await startListening({
    limits: IMPATIENT,
    sharedLimits: { 'identity.bytes': 10_000 },
    auth: () => ({ tenant: 'acme', sub: 'ann' }),
  });
  const ann = await SocketClient.connect(address);
  await ann.ok('session.auth', { token: 'ann' });
  const { _socket: socket } = ann.ws as unknown as { _socket: { cork(): void; uncork(): void } };
  socket.cork();
  ann.post('agents.list', { x: 'x'.repeat(20_000) });
  ann.ws.send('{"jsonrpc":"2.0","id":"late","method":', { fin: false });
  socket.uncork();
  await expect.poll(() => readMetric(broker, 'limited_total')).toEqual({ 'identity.bytes': 1 });
  ann.ws.send('"agents.list"}', { fin: true });
  expect(await ann.until(() => ann.frames.find(({ id }) => id === 'late'))).toMatchObject({ result: [] });
  expect(ann.ws.readyState).toBe(ann.ws.OPEN);
});

test('what was read before it had to wait › waits as well, in order, and none of it is lost', async () => {
  const { broker, address } = await startListening({
    sharedLimits: { 'identity.bytes': 1_000 },
    auth: () => ({ tenant: 'acme', sub: 'ann' }),
  });
  const ann = await SocketClient.connect(address);
  await ann.ok('session.auth', { token: 'ann' });
  const { _socket: socket } = ann.ws as unknown as { _socket: { cork(): void; uncork(): void } };
  socket.cork();
  const ids = Array.from({ length: 40 }, (_, n) => 100 + n);
  for (const id of ids) ann.send({ jsonrpc: '2.0', id, method: 'agents.list' });
  socket.uncork();
  const answered = () => ann.frames.map(({ id }) => id).filter((id) => id >= 100);
  await ann.until(() => answered().length > 0);
  // All of it came in one segment, and the rest takes a second and more.
  const atFirst = answered().length;
  await ann.until(() => answered().length === ids.length);
  expect(atFirst).toBeLessThan(ids.length);
  expect(answered()).toEqual(ids);
  expect((await readMetric(broker, 'limited_total'))['identity.bytes']).toBeGreaterThan(1);
});
