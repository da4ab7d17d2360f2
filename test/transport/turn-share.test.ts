import { expect, test } from 'vitest';
import { SocketClient, startListening } from './socket-client.ts';

const MANY = 100;
/** Each of which makes the answer of `agents.list` longer, so that it takes its time. */
const AGENTS = 1_000;

/** A broker, somebody who sees in which order things happen, and a client that sends many slow requests in one segment. */
async function startWithGreedy() {
  const { broker, address } = await startListening();
  for (let i = 0; i < AGENTS; i += 1) broker.upsertAgent({ id: `agent-${i}` });
  const [greedy, watcher] = [await SocketClient.host(broker, address), await SocketClient.host(broker, address)];
  await watcher.ok('server.handshake', { protocol_version: 3 });
  await watcher.ok('host.subscribe', {});
  const { _socket: socket } = greedy.ws as unknown as { _socket: { cork(): void; uncork(): void } };
  const notify = (client: SocketClient, kind: string) =>
    client.send({ jsonrpc: '2.0', id: 1, method: 'host.notify', params: { kind } });
  const sendAll = (last: () => void = () => {}) => {
    socket.cork();
    for (let id = 1_000; id < 1_000 + MANY; id += 1) greedy.send({ jsonrpc: '2.0', id, method: 'agents.list' });
    notify(greedy, 'greedy');
    last();
    socket.uncork();
  };
  const seen = () =>
    watcher.frames.map(({ params }) => params?.kind).filter((kind) => kind === 'greedy' || kind === 'other');
  return { broker, address, greedy, notify, sendAll, seen };
}

test('many slow requests in one segment › then what somebody else sends after them comes before the last', async () => {
  const { broker, address, greedy, notify, sendAll, seen } = await startWithGreedy();
  const other = await SocketClient.host(broker, address);
  sendAll();
  notify(other, 'other');
  await expect.poll(seen, { timeout: 15_000 }).toEqual(['other', 'greedy']);
  const ids = () => greedy.frames.map(({ id }) => id).filter((id) => id >= 1_000);
  await expect.poll(ids, { timeout: 15_000 }).toEqual(Array.from({ length: MANY }, (_, i) => 1_000 + i));
});

test('what is left of a segment, and a close behind it › then all of it counts before the connection is over', async () => {
  const { greedy, sendAll, seen } = await startWithGreedy();
  sendAll(() => greedy.ws.close(1000));
  expect(await greedy.closed).toBe(1000);
  await expect.poll(seen, { timeout: 15_000 }).toEqual(['greedy']);
});
