import { expect, test } from 'vitest';
import { Opcode, rawFrame } from '../proof/support/raw-frames.ts';
import { RawSocket } from '../proof/support/raw-socket.ts';
import { startListening } from './socket-client.ts';

test('a WebSocket › when a close comes together with a request › then nothing follows the close frame', async () => {
  const { broker, port } = await startListening();
  const client = await RawSocket.open(port);
  const auth = { jsonrpc: '2.0', id: 1, method: 'session.auth', params: { token: broker.tokens.daemon } };
  const close = rawFrame(Buffer.of(1000 >> 8, 1000 & 0xff), { opcode: Opcode.close });
  client.write(Buffer.concat([rawFrame(JSON.stringify(auth)), close]));
  // It rejects where the broker sends anything after its close frame.
  expect(await client.closed).toEqual({ code: 1000 });
});
