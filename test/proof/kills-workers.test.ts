import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFailed } from 'vitest';
import { faultsOf } from './support/deaths/checker.ts';
import { aboutFaults, readLines } from './support/deaths/lines.ts';
import { Stage } from './support/deaths/stage.ts';
import { workerPids } from './support/deaths/workers.ts';
import { isWhole, ofProof } from './support/extent.ts';
import { proofSeed, Random } from './support/random.ts';

/*
 * All that may befall one of several brokers of a machine, and whoever is connected to them, in an order of the seed's: agents and
 * hosts come back to any of them, and every turn goes on. What is wrong is found as in kills.test.ts.
 */

const CAST = { agents: ['north', 'south'], hosts: ['a', 'b'], chats: ofProof(8, 3) };
const ROUNDS = ofProof(12, 1);
const WORKERS = 3;

const FAULTS: Record<string, (stage: Stage, random: Random) => Promise<unknown>> = {
  'a worker is killed': async (stage, random) => {
    process.kill(random.pick(await workerPids(stage.daemon, WORKERS)), 'SIGKILL');
  },

  'a worker is stopped for a while': async (stage, random) => {
    const pid = random.pick(await workerPids(stage.daemon, WORKERS));
    process.kill(pid, 'SIGSTOP');
    await delay(random.int(ofProof(15_000, 1_500)));
    process.kill(pid, 'SIGCONT');
  },

  'the wires of one side are cut: all come back anywhere': async (stage, random) => {
    stage.wire(random.pick(['agents', 'hosts'] as const)).cut();
  },

  'an agent is killed': (stage, random) => stage.killAgent(random.int(stage.agents.length)),

  'a host is killed': (stage, random) => stage.killHost(random.int(stage.hosts.length)),
};

it(`chats over ${WORKERS} workers › whatever befalls one of them, their agents and their hosts, ${ROUNDS} times each › then what the processes wrote down has no fault`, {
  timeout: ofProof(1_800_000, 120_000),
}, async () => {
  const random = new Random(proofSeed('kills-workers'));
  const stage = await Stage.start(CAST, ['--workers', String(WORKERS)]);
  onTestFailed(() => console.log(stage.daemon.program.out.slice(-20_000)));
  await stage.goesOn();
  const schedule = Array.from({ length: ROUNDS }, () => random.shuffled(Object.keys(FAULTS))).flat();
  for (const name of schedule) {
    await delay(random.int(300));
    stage.note(name);
    await FAULTS[name]?.(stage, random);
    await stage.goesOn();
  }
  if (isWhole) {
    stage.note('a worker hangs, until it is killed for that');
    process.kill(random.pick(await workerPids(stage.daemon, WORKERS)), 'SIGSTOP');
    await stage.daemon.program.shows('a worker hangs: it is killed');
    await stage.goesOn();
  }
  await stage.end();

  const lines = readLines(stage.lines);
  const found = faultsOf(lines);
  if (found.length > 0) console.log(aboutFaults(found, lines));
  expect(found).toEqual([]);
  const whole = lines.filter(({ op, kind }) => op === 'event' && kind === 'done').length;
  expect(whole).toBeGreaterThan(schedule.length * 2);
});
