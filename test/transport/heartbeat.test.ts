import { expect, test, vi } from 'vitest';
import { closeCodes, rawSocket, SocketClient, startListening, upgradeText } from './socket-client.ts';

const limits = { pingIntervalMs: 25, heartbeatTimeoutMs: 250, authTimeoutMs: 60_000 };

test('the heartbeat › when a client answers pings and says nothing else › then it stays', async () => {
  const { broker, address } = await startListening({ limits });
  const host = await SocketClient.host(broker, address);
  let pings = 0;
  // Twice as long as silence is allowed.
  await new Promise<void>((resolve) =>
    host.ws.on('ping', () => {
      pings += 1;
      if (pings === 16) resolve();
    }),
  );
  expect(await host.ok('agents.list')).toEqual([]);
});

test('the heartbeat › when a client answers no ping but sends frames › then it stays', async () => {
  const { broker, address } = await startListening({ limits });
  const host = await SocketClient.host(broker, address, { autoPong: false });
  let pings = 0;
  await new Promise<void>((resolve) =>
    host.ws.on('ping', () => {
      pings += 1;
      host.post('agents.list');
      if (pings === 16) resolve();
    }),
  );
  expect(await host.ok('agents.list')).toEqual([]);
});

test('the heartbeat › when a client is silent › then it is closed with 4408 and its turns end', async () => {
  const { broker, address } = await startListening({ limits });
  const host = await SocketClient.host(broker, address, { autoPong: false });
  const agent = await SocketClient.agent(broker, address, 'echo');
  await host.ok('agents.chat', { agent_id: 'echo', prompt: 'p', session_id: 's' });
  expect(await host.closed).toBe(4408);
  const cancel = await agent.until(() => agent.frames.find((frame) => frame.method === 'agent.chat.cancel'));
  expect(cancel.params).toMatchObject({ session_id: 's', reason: 'host_disconnected' });
  expect(await agent.ok('agents.list')).toMatchObject([{ turns: 0 }]);
});

test('the heartbeat › when a client does not even answer the close › then it is told 4408 once, and cut', async () => {
  const { broker, port } = await startListening({ limits });
  const { received, ended } = rawSocket(port, upgradeText(port));
  await vi.waitFor(() => expect(received().toString('latin1')).toMatch(/^HTTP\/1\.1 101 /));
  await ended;
  expect(closeCodes(received())).toEqual([4408]);
  await broker.close();
});
