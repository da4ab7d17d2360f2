import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Handshakes, isWhole } from '../../transport/handshakes.ts';

/** The first message of a handshake with so many bytes of content, in records of at most so many bytes. */
function hello(content: number, record = 16_384): Buffer {
  const message = Buffer.alloc(4 + content, 7);
  message.writeUInt8(1, 0);
  message.writeUIntBE(content, 1, 3);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += record) {
    const part = message.subarray(at, at + record);
    const head = Buffer.from([22, 3, 1, 0, 0]);
    head.writeUInt16BE(part.length, 3);
    records.push(head, part);
  }
  return Buffer.concat(records);
}

describe('isWhole', () => {
  test.each([
    ['in one record', hello(300)],
    ['in many', hello(300, 50)],
    ['in the smallest that its head fits into', hello(30, 4)],
  ])('a first message %s › is, with its last byte', (_, bytes) => {
    for (let length = 0; length < bytes.length; length += 1)
      expect(isWhole(bytes.subarray(0, length)), `${length}`).toBe(false);
    expect(isWhole(bytes)).toBe(true);
    expect(isWhole(Buffer.concat([bytes, Buffer.from('more')]))).toBe(true);
  });

  test('what is none of TLS need not be waited for', () => {
    expect(isWhole(Buffer.from('GET / HTTP/1.1'))).toBe(true);
    expect(isWhole(Buffer.from([22, 3, 1, 0, 2, 1, 0]))).toBe(true);
    expect(isWhole(Buffer.concat([hello(300, 50).subarray(0, 55), Buffer.from([23])]))).toBe(true);
  });
});

/** A server whose sockets go through handshakes; `begin` stands for what TLS does then. */
async function scene(begin: (socket: Socket) => void, timeoutMs = 10_000) {
  const slow: Socket[] = [];
  const cut = (socket: Socket) => {
    slow.push(socket);
    socket.destroy();
  };
  const handshakes = new Handshakes({ timeoutMs, begin, slow: cut });
  const entered: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    entered.push(socket);
    handshakes.enter(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  onTestFinished(() => {
    server.close();
    for (const socket of entered) socket.destroy();
  });
  const knock = async (bytes: Buffer) => {
    const socket = connect(port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    if (bytes.length > 0) socket.write(bytes);
    return socket;
  };
  return { handshakes, entered, slow, knock };
}

describe('handshakes', () => {
  test('that come at once and cost a lot › are begun in several turns of the event loop', async () => {
    let inThisTurn = 0;
    let most = 0;
    let begun = 0;
    // As Node does: not at once, but in the next tick.
    const { knock, entered } = await scene(() => {
      process.nextTick(() => {
        const until = performance.now() + 2;
        while (performance.now() < until);
        begun += 1;
        inThisTurn += 1;
        most = Math.max(most, inThisTurn);
      });
    });
    let isOver = false;
    const turn = () => {
      inThisTurn = 0;
      if (!isOver) setImmediate(turn);
    };
    turn();
    const sockets = await Promise.all(Array.from({ length: 60 }, () => knock(Buffer.alloc(0))));
    await vi.waitFor(() => expect(entered).toHaveLength(60));
    for (const socket of sockets) socket.write(hello(300));
    await vi.waitFor(() => expect(begun).toBe(60));
    isOver = true;
    // Two milliseconds each, and five for a turn: the third goes beyond, and is the last. Two turns may look like one here.
    expect(most).toBeLessThanOrEqual(6);
  });

  test('are begun with all that came, when the first message is whole', async () => {
    const begun: Buffer[] = [];
    const { knock } = await scene((socket) => begun.push(socket.read()));
    const bytes = hello(300, 100);
    const socket = await knock(bytes.subarray(0, 50));
    socket.write(bytes.subarray(50, 200));
    socket.write(Buffer.concat([bytes.subarray(200), Buffer.from('x')]));
    await vi.waitFor(() => expect(begun).toEqual([Buffer.concat([bytes, Buffer.from('x')])]));
  });

  test('of those who hang up before, or in the middle › are not begun', async () => {
    const begun: Socket[] = [];
    const { knock, entered } = await scene((socket) => begun.push(socket));
    for (const bytes of [Buffer.alloc(0), hello(300).subarray(0, 20)]) (await knock(bytes)).end();
    await vi.waitFor(() => expect(entered.map(({ destroyed }) => destroyed)).toEqual([true, true]));
    expect(begun).toEqual([]);
  });

  test('that do not come to an end › are told of once, and one that does is not', async () => {
    const { handshakes, entered, slow, knock } = await scene(() => {}, 100);
    await knock(Buffer.alloc(0));
    await vi.waitFor(() => expect(entered).toHaveLength(1));
    await knock(hello(300));
    await vi.waitFor(() => expect(entered).toHaveLength(2));
    const done = entered[1] as Socket;
    expect(handshakes.finish(done)).toBe(done);
    expect(handshakes.finish(done)).toBeUndefined();
    await vi.waitFor(() => expect(slow).toHaveLength(1));
    expect(slow[0]).toBe(entered[0]);
    expect(done.destroyed).toBe(false);
  });
});
