import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { LogOutput } from '../../daemon/log-output.ts';
import { temporaryDirectory } from './temporary.ts';

/* Where the log goes, and nobody reads it. */

/** Both ends of a pipe. What can be read of it is read when asked for. */
function pipe() {
  const path = join(temporaryDirectory(), 'pipe');
  execFileSync('mkfifo', [path]);
  const out = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const into = openSync(path, constants.O_WRONLY);
  onTestFinished(() => [out, into].forEach((file) => void closeSync(file)));
  let text = '';
  const read = () => {
    const bytes = Buffer.alloc(256 * 1024);
    try {
      for (let length = 1; length > 0; ) {
        length = readSync(out, bytes, 0, bytes.length, null);
        text += bytes.toString('utf8', 0, length);
      }
    } catch {
      // Nothing more for now.
    }
    return text;
  };
  return { into, read };
}

const line = (n: number) => `${String(n).padStart(6, '0')} ${'x'.repeat(240)}\n`;

test('the log’s output › while somebody reads › then a line is out when the call returns', () => {
  const { into, read } = pipe();
  const output = new LogOutput(into);
  for (let n = 0; n < 20; n += 1) {
    output.write(line(n));
    expect(read().endsWith(line(n))).toBe(true);
  }
});

test('the log’s output › when nobody reads › then nobody waits, so much is kept, the rest is counted, and that is told when somebody does', async () => {
  const { into, read } = pipe();
  const told: number[] = [];
  const output = new LogOutput(into, (lost) => {
    told.push(lost);
    output.write(`lost ${lost}\n`);
  });
  const all = 10_000;
  for (let n = 0; n < all; n += 1) output.write(line(n));
  expect(output.lost).toBeGreaterThan(all / 3);
  expect(told).toEqual([]);
  const isTold = () => {
    read();
    return told.length > 0;
  };
  await expect.poll(isTold).toBe(true);
  output.write('after\n');
  const kept = all - output.lost;
  // A pipe holds 64 KiB, and a mebibyte waits.
  expect(kept * line(0).length).toBeLessThan(1.2 * 2 ** 20);
  expect(told).toEqual([output.lost]);
  const lines = read().split('\n');
  expect(lines.slice(0, kept)).toEqual(Array.from({ length: kept }, (_, n) => line(n).trimEnd()));
  expect(lines.slice(kept)).toEqual([`lost ${output.lost}`, 'after', '']);
});

test('the log’s output › when the process ends and nobody reads › then that takes a moment; what somebody reads is all there', () => {
  const { into, read } = pipe();
  const output = new LogOutput(into);
  for (let n = 0; n < 1_000; n += 1) output.write(line(n));
  const before = performance.now();
  output.flushSync();
  expect(performance.now() - before).toBeLessThan(5_000);
  for (let n = 0; n < 10; n += 1) {
    read();
    output.flushSync();
  }
  expect(read()).toBe(Array.from({ length: 1_000 }, (_, n) => line(n)).join(''));
  expect(output.lost).toBe(0);
});

test('the log’s output › on a disk that is full › then lines wait within the bound, and are counted beyond it', () => {
  const full = openSync('/dev/full', 'w');
  const output = new LogOutput(full);
  for (let n = 0; n < 10_000; n += 1) output.write(line(n));
  output.flushSync();
  expect(10_000 - output.lost).toBe(Math.floor(2 ** 20 / line(0).length));
  closeSync(full);
});

test('the log’s output › when its reader has left › then its lines are lost, and counted', () => {
  const path = join(temporaryDirectory(), 'pipe');
  execFileSync('mkfifo', [path]);
  const out = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const into = openSync(path, constants.O_WRONLY);
  const output = new LogOutput(into);
  closeSync(out);
  for (let n = 0; n < 3; n += 1) output.write(line(n));
  output.flushSync();
  expect(output.lost).toBe(3);
  closeSync(into);
});
