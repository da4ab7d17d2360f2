import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DirectoryHandlers } from '../../cluster/directory.ts';
import { readConfig } from '../../daemon/config.ts';
import { createLogger } from '../../daemon/log.ts';
import { DirectoryDesk } from '../../daemon/workers/directory-desk.ts';
import { checkWorkers } from '../../daemon/workers/flags.ts';
import { warnOfLeft } from '../../daemon/workers/left.ts';
import type { ToSupervisor, ToWorker } from '../../daemon/workers/messages.ts';
import { PipeDirectory } from '../../daemon/workers/pipe-directory.ts';
import { ModelBroker } from '../turn-journal/stage.ts';
import { temporaryDirectory } from './temporary.ts';

describe('--workers', () => {
  const workers = (...argv: string[]) => readConfig(argv, {}).settings.workers;
  const refusal = (...argv: string[]) => {
    try {
      return JSON.stringify(readConfig(argv, {}).settings);
    } catch (error) {
      return (error as Error).message;
    }
  };

  it('takes a number, or one for each core', () => {
    expect(workers()).toBe(1);
    expect(workers('--workers', '64')).toBe(64);
    expect(workers('--workers', 'auto')).toBeGreaterThanOrEqual(1);
    for (const bad of ['0', '65', '-1', '1.5', 'many', ''])
      expect(refusal('--workers', bad)).toMatch(/^--workers takes an integer from 1 to 64, or auto, not "?/);
  });

  it('goes with fronts and an audit, and not with Windows', () => {
    expect(workers('--workers', '2', '--front', 'openai', '--audit', '/tmp/a')).toBe(2);
    expect(() => checkWorkers({ workers: 2 }, new Map(), 'win32')).toThrow('--workers takes 1 on Windows');
    expect(() => checkWorkers({ workers: 1 }, new Map(), 'win32')).not.toThrow();
  });
});

/** Directories of workers, over pipes that lead to the supervisor's desk in this process. */
async function room() {
  const desk = new DirectoryDesk();
  const worker = async (id: string) => {
    const told: string[] = [];
    const handlers: DirectoryHandlers = {
      attached: (key, { broker, revision }) => told.push(`${key} at ${broker} #${revision}`),
      detached: (key, { broker }) => told.push(`${key} left ${broker}`),
      registered: (name, record) => told.push(`${name} is ${record}`),
    };
    const toWorker = {
      send(message: ToWorker) {
        const read = JSON.parse(JSON.stringify(message)) as ToWorker;
        setImmediate(() => {
          if (read.type === 'news') directory.news(read.news);
          else if (read.type === 'answer') directory.answered(read.ask, read);
        });
      },
    };
    const directory: PipeDirectory = new PipeDirectory({
      send(message: ToSupervisor) {
        const read = JSON.parse(JSON.stringify(message)) as ToSupervisor;
        setImmediate(() => {
          if (read.type === 'directory') desk.take(toWorker, read);
        });
      },
    });
    await directory.open({ id, epoch: `${id}-1` }, handlers);
    return { directory, told, killed: () => desk.gone(toWorker) };
  };
  return { one: await worker('1'), two: await worker('2'), worker };
}

describe('the directory of workers', () => {
  it('is one for all: places in one order, claims, what is registered; a killed one leaves nothing claimed', async () => {
    const { one, two, worker } = await room();
    one.directory.attach('default/a', 'c1');
    expect(await one.directory.claim('s')).toEqual({ isOurs: true });
    expect(await two.directory.claim('s')).toEqual({ isOurs: false, broker: '1' });
    two.directory.attach('default/a', 'c2');
    two.directory.attach('default/b', 'c2');
    await two.directory.register('agent/default/a', 'x');
    two.directory.detach('default/b', 'c2');
    await two.directory.register('agent/default/a', undefined);
    await one.directory.register('key/k', 'y');
    const all = ['default/a at 1 #1', 'default/a at 2 #2', 'default/b at 2 #3', 'agent/default/a is x'];
    const rest = ['default/b left 2', 'agent/default/a is undefined', 'key/k is y'];
    expect(one.told).toEqual([...all, ...rest]);
    // Another worker's word that it is gone is not taken.
    two.directory.buried();
    expect(await two.directory.claim('s')).toMatchObject({ isOurs: false });
    one.killed();
    expect(await two.directory.claim('s')).toEqual({ isOurs: true });
    two.directory.release('s');
    const three = await worker('3');
    expect(three.told).toEqual(['default/a at 2 #2', 'key/k is y']);
    expect(await three.directory.claim('s')).toEqual({ isOurs: true });
    await expect(one.directory.claim('t')).rejects.toThrow();
  });
});

describe('the journal of a worker that is not started', () => {
  it('is named, with what is in it', async () => {
    const home = temporaryDirectory();
    const directory = join(home, 'workers', '3', 'journal');
    mkdirSync(directory, { recursive: true });
    mkdirSync(join(home, 'workers', '4', 'journal'), { recursive: true });
    const before = await ModelBroker.start({ directory, level: 'process' });
    before.open({ id: 1 });
    await before.settled();
    await before.journal.close();
    const lines: string[] = [];
    const log = await createLogger('info', false, { write: (line) => lines.push(line) });
    await warnOfLeft(home, ['1', '2', '3'], log);
    expect(lines).toEqual([]);
    await warnOfLeft(home, ['1', '2'], log);
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ journal: directory, turns: 1, msg: expect.stringContaining('--workers 3') }),
    ]);
  });
});
