import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createBroker } from '../../broker.ts';

const MIB = 2 ** 20;
/** What the two sockets' own buffers may take on loopback, generously. */
const BUFFERS = 12 * MIB;

test('a connection closed with 4429 › when it floods on › then it is not read any more, and fills its own buffers', async () => {
  const broker = createBroker({ limits: { requestsPerSecond: 10, requestBurst: 5 } });
  onTestFinished(() => broker.close());
  const { port } = await broker.listen({ port: 0 });
  const socket = connect(port ?? 0, '127.0.0.1');
  onTestFinished(() => {
    socket.destroy();
  });
  socket.on('error', () => {});
  const key = randomBytes(16).toString('base64');
  const head = ['GET / HTTP/1.1', 'Host: localhost', 'Upgrade: websocket', 'Connection: Upgrade'];
  socket.write(`${[...head, `Sec-WebSocket-Key: ${key}`, 'Sec-WebSocket-Version: 13'].join('\r\n')}\r\n\r\n`);
  await once(socket, 'data');

  // Frames of one character that is no JSON, under a mask of zeros.
  const frames = Buffer.concat(Array<Buffer>(10_000).fill(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x78])));
  const received: Buffer[] = [];
  socket.on('data', (data) => received.push(data));
  let taken = 0;
  const flood = () => {
    if (socket.destroyed || taken > 2 * BUFFERS) return;
    socket.write(frames, (error) => {
      if (error) return;
      taken += frames.length;
      flood();
    });
  };
  flood();
  // Cut with bytes unread, it ends in a reset: an end like any other here.
  await new Promise((resolve) => socket.once('close', resolve));
  expect(Buffer.concat(received).includes(Buffer.from([0x88, 0x0c, 0x11, 0x4d]))).toBe(true);
  expect(taken).toBeLessThan(BUFFERS);
});
