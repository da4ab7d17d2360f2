import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../../docs/render.ts';
import { openTurnJournal } from '../../turn-journal/open.ts';
import { reportJournal } from '../../turn-journal/report.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';
import { ofProof } from '../proof/support/extent.ts';

const WRITER = join(ROOT, 'test/e2e/support/journal-writer.js');
const KILLS = ofProof(30, 4);

/** Writes for a moment, and is killed. @returns the last `seq` of each turn that it has told */
async function writeAndDie(directory: string, level: string, ms: number): Promise<Map<number, number>> {
  const child = spawn(process.execPath, [WRITER, directory, level], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (some: Buffer) => {
    text += some;
  });
  // From its first words on: how long a start takes is not what is asked here.
  child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), ms));
  const [, signal] = await once(child, 'close');
  expect(signal).toBe('SIGKILL');
  const told = new Map<number, number>();
  for (const line of text.split('\n').slice(0, -1)) {
    const [turn, seq] = line.split(' ').map(Number);
    told.set(turn as number, seq as number);
  }
  return told;
}

/** What is there now, and that it is what was said. */
async function find(directory: string): Promise<Map<number, number>> {
  const journal = await openTurnJournal({ directory });
  journal.attach({ snapshot: () => undefined, stateChanged() {} });
  const found = new Map(journal.recovered.map(({ turn, seq }) => [turn, seq]));
  const wrong: string[] = [];
  await journal.replay(({ turn, seq: last }) => {
    let next = 1;
    return {
      begin(first) {
        next = first;
      },
      dropped() {},
      frame() {},
      token(seq, delta) {
        if (seq !== next || delta !== `${turn}:${seq} ${'x'.repeat(60)}`)
          wrong.push(`${turn}:${seq}, not ${next}: ${delta.slice(0, 20)}`);
        next += 1;
      },
      end() {
        if (next !== last + 1) wrong.push(`${turn} ends with ${next - 1}, not ${last}`);
      },
    };
  });
  expect(wrong).toEqual([]);
  await journal.close();
  return found;
}

test.each(['process', 'disk'])(
  `a turn journal of level %s › when the process that writes it is killed ${KILLS} times › then no record is lost that was acknowledged, and none is torn`,
  async (level) => {
    const directory = temporaryDirectory();
    let records = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const told = await writeAndDie(directory, level, 20 + ((kill * 37) % 100));
      expect(told.size).toBe(10);
      const found = await find(directory);
      for (const [turn, seq] of told) expect(found.get(turn), `turn ${turn}`).toBeGreaterThanOrEqual(seq);
      records = [...found.values()].reduce((sum, seq) => sum + seq, 0);
    }
    expect(records).toBeGreaterThan(KILLS * 50);
    expect(await reportJournal(directory)).toMatchObject({ damaged: [], torn: undefined });
  },
  ofProof(300_000, 120_000),
);
