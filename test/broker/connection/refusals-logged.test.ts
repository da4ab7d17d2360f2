import { expect, test } from 'vitest';
import type { Logger } from '../../../broker.ts';
import { settle, startLinked } from '../../support/linked.ts';

/* What strangers try is in the log, and does not fill the disk. */

function listening() {
  const lines: { level: string; what: string; more?: number }[] = [];
  const note = (level: string) => (fields: object, what: string) => void lines.push({ level, what, ...fields });
  const log: Logger = { debug: () => {}, info: () => {}, warn: note('warn'), error: note('error') };
  return { lines, linked: startLinked({ log }) };
}

async function guess(linked: ReturnType<typeof startLinked>, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    const stranger = linked.connect();
    stranger.post('session.auth', { token: `guess ${n}` });
    await settle();
    stranger.close();
  }
}

test('wrong tokens › when there are many › then five in ten seconds are logged, and how many more there were', async () => {
  const { lines, linked } = listening();
  await guess(linked, 400);
  expect(lines.map(({ what }) => what)).toEqual(Array.from({ length: 5 }, () => 'wrong token'));
  await linked.advance(10_020);
  expect(lines.slice(5)).toEqual([{ level: 'warn', what: 'wrong token, again and again', more: 395 }]);
  expect(JSON.stringify(lines)).not.toContain('guess');
  await guess(linked, 6);
  expect(lines.slice(6).map(({ what }) => what)).toEqual(Array.from({ length: 5 }, () => 'wrong token'));
  await linked.advance(10_020);
  expect(lines.at(-1)).toMatchObject({ more: 1 });
});

test('wrong tokens › when there are few › then each is logged, and nothing else', async () => {
  const { lines, linked } = listening();
  for (let n = 0; n < 4; n += 1) {
    await guess(linked, 5);
    await linked.advance(10_020);
  }
  expect(lines).toHaveLength(20);
  expect(lines.every(({ what }) => what === 'wrong token')).toBe(true);
});
