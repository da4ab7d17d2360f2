import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFailed } from 'vitest';
import { temporaryDirectory } from '../e2e/support/cleanup.ts';
import { startDaemon } from '../e2e/support/daemon.ts';
import { untilSo } from './support/death-scene.ts';
import { faultsOf } from './support/deaths/checker.ts';
import { copyJournal, cutTail } from './support/deaths/journal-faults.ts';
import { readLines } from './support/deaths/lines.ts';
import { isDegraded, Stage } from './support/deaths/stage.ts';
import { ofProof } from './support/extent.ts';
import { proofSeed, Random } from './support/random.ts';

/*
 * All that may befall a daemon, its disk, its agents and its hosts, one after the other and in an order of the seed's, in the middle of
 * chats with tools and approvals. Each process writes down what it does; what is wrong with it is found afterwards, in what they wrote
 * (support/deaths/checker.ts, which checker.test.ts shows to find what it looks for).
 */

const CAST = { agents: ['north', 'south'], hosts: ['a', 'b'], chats: ofProof(8, 3) };
const ROUNDS = ofProof(8, 1);

const FAULTS: Record<string, (stage: Stage, random: Random) => Promise<unknown>> = {
  'the daemon is killed': (stage) => stage.restart(),

  'the daemon is stopped for a second': async ({ daemon: { program } }) => {
    program.child.kill('SIGSTOP');
    await delay(1_000);
    program.child.kill('SIGCONT');
  },

  'the wires of one side are stalled, and cut': async (stage, random) => {
    const wires = stage.wire(random.pick(['agents', 'hosts'] as const));
    if (random.chance(0.5)) wires.hold();
    await delay(random.int(200));
    wires.cut();
  },

  'an agent is killed': (stage, random) => stage.killAgent(random.int(stage.agents.length)),

  'a host is killed': (stage, random) => stage.killHost(random.int(stage.hosts.length)),

  'the journal’s disk is full for a while': async (stage, random) => {
    stage.note('disk full');
    await stage.disk.fill(stage.daemon.announced.pid);
    await untilAsync(() => isDegraded(stage.daemon));
    await delay(random.int(300));
    // It finds the disk full when it starts, too.
    if (stage.disk.way === 'tmpfs' && random.chance(0.5)) await stage.restart();
    stage.disk.empty();
    await untilAsync(async () => !(await isDegraded(stage.daemon)));
    stage.note('disk free');
  },

  'the power goes: the last segment is cut at a byte that was not synced': (stage, random) =>
    stage.restart(async () => {
      stage.note('cut tail');
      expect(await cutTail(`${stage.home}/journal`, random)).toBeGreaterThan(0);
    }),

  'the journal is copied away, and a daemon started on the copy': async (stage, random) => {
    const { daemon } = stage;
    const unread = stage.unread();
    const who = `copy ${performance.now()}`;
    const home = temporaryDirectory();
    stage.note(`copy for ${who}`);
    // One moment, or as the copying goes along.
    const isStopped = random.chance(0.5);
    if (isStopped) daemon.program.child.kill('SIGSTOP');
    copyJournal(stage.home, home);
    if (isStopped) daemon.program.child.kill('SIGCONT');
    const flags = ['--agent-window', '300'];
    const other = await startDaemon({ home, flags });
    await stage.readIn(other, who, unread);
    await other.program.kill('SIGKILL');
  },
};

it(`chats › whatever befalls the daemon, its disk, their agents and their hosts, ${ROUNDS} times each › then what the processes wrote down has no fault`, {
  timeout: ofProof(1_800_000, 90_000),
}, async () => {
  const random = new Random(proofSeed('kills'));
  const stage = await Stage.start(CAST);
  onTestFailed(() => console.log(stage.daemon.program.out.slice(-3_000)));
  await stage.goesOn();
  const schedule = Array.from({ length: ROUNDS }, () => random.shuffled(Object.keys(FAULTS))).flat();
  for (const name of schedule) {
    await delay(random.int(300));
    stage.note(name);
    await FAULTS[name]?.(stage, random);
    await stage.goesOn();
  }
  await stage.end();

  const lines = readLines(stage.lines);
  expect(faultsOf(lines)).toEqual([]);
  // Otherwise nothing was going on.
  const whole = lines.filter(({ op, kind }) => op === 'event' && kind === 'done').length;
  expect(whole).toBeGreaterThan(schedule.length * 2);
  for (const op of ['run', 'approval', 'copied'])
    expect(lines.filter((line) => line.op === op).length, op).toBeGreaterThan(0);
});

async function untilAsync(look: () => Promise<boolean>): Promise<void> {
  let isSo = false;
  void (async () => {
    while (!isSo) isSo = await look();
  })();
  await untilSo(() => isSo);
}
