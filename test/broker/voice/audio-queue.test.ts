import { expect, test } from 'vitest';
import { AudioQueue } from '../../../actors/voice/audio-queue.ts';

test('AudioQueue › when it is discarded while it is read › then nothing more is read, and nothing waits', async () => {
  const queue = new AudioQueue();
  for (const size of [1, 2, 3]) queue.push(new Uint8Array(size));
  const read: number[] = [];
  for await (const { length } of queue) {
    read.push(length);
    expect(queue.bytes).toBe(6 - length);
    queue.discard();
  }
  expect(read).toEqual([1]);
  expect(queue.bytes).toBe(0);
});

test('AudioQueue › when it ends › then what waits is read first, and what still comes is not', async () => {
  const queue = new AudioQueue();
  queue.push(new Uint8Array(2));
  queue.end();
  queue.push(new Uint8Array(4));
  const read: number[] = [];
  for await (const { length } of queue) read.push(length);
  expect(read).toEqual([2]);
});
