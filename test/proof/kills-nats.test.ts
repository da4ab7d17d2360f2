import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFailed } from 'vitest';
import { describeNats } from '../support/nats-servers.ts';
import { faultsOf } from './support/deaths/checker.ts';
import { ClusterStage } from './support/deaths/cluster-stage.ts';
import { aboutFaults, type Line, readLines } from './support/deaths/lines.ts';
import { isWhole, ofProof } from './support/extent.ts';
import { proofSeed, Random } from './support/random.ts';

/*
 * All that may befall three brokers, the three nats-servers by which they are one, and whoever is connected to them, one thing after the other
 * and two at a time, in an order of the seed's. What is wrong is found as in kills.test.ts.
 */

const CAST = { agents: ['north', 'south'], hosts: ['a', 'b'], chats: ofProof(4, 1) };
/** How long the whole form goes on. */
const MINUTES = Number(process.env.PROOF_MINUTES ?? 20);

type Fault = (stage: ClusterStage, random: Random) => Promise<unknown>;

/** What keeps brokers from hearing of each other, or from asking what all know together, is written down as that. */
const apart =
  (fault: Fault): Fault =>
  async (stage, random) => {
    stage.note('apart');
    await fault(stage, random);
    stage.note('together');
  };

const FAULTS: Record<string, Fault> = {
  'a broker is killed': apart((stage, random) => random.pick(stage.brokers).restart()),

  'a broker is stopped for a while': apart(async (stage, random) => {
    const { child } = random.pick(stage.brokers).program;
    child.kill('SIGSTOP');
    await delay(random.between(1_000, ofProof(15_000, 1_500)));
    child.kill('SIGCONT');
  }),

  'a nats-server is killed': apart(async (stage, random) => {
    const server = random.pick(stage.servers);
    await server.kill();
    await delay(random.int(ofProof(5_000, 500)));
    server.start();
    await server.ready();
  }),

  'a nats-server is stopped for a while': apart(async (stage, random) => {
    const server = random.pick(stage.servers);
    server.pause();
    await delay(random.between(1_000, ofProof(15_000, 1_500)));
    server.resume();
  }),

  'an agent is killed': (stage, random) => stage.killAgent(random.int(stage.agents.length)),

  'a host is killed': (stage, random) => stage.killHost(random.int(stage.hosts.length)),

  'an agent comes a second time, and its older connection is closed': (stage, random) =>
    stage.succeedAgent(random.int(stage.agents.length), 60_000),

  'the wires of one side are stalled, and cut': async (stage, random) => {
    const front = stage.fronts[random.pick(['agents', 'hosts'] as const)];
    if (random.chance(0.5)) front.stall();
    await delay(random.int(500));
    front.cut();
    front.flow();
  },

  'a broker’s wires to NATS are stalled, and cut': apart(async (stage, random) => {
    const { nats } = random.pick(stage.brokers);
    if (random.chance(0.5)) for (const front of nats) front.stall();
    await delay(random.int(ofProof(15_000, 1_500)));
    for (const front of nats) {
      front.cut();
      front.flow();
    }
  }),

  'all of NATS is away for a while': apart(async (stage) => {
    await Promise.all(stage.servers.map((server) => server.kill()));
    await delay(ofProof(30_000, 3_000));
    await stage.natsIsBack();
  }),

  'a broker is cut off from NATS, and its agents move to another': apart(async (stage, random) => {
    const { nats, port } = random.pick(stage.brokers);
    const { agents } = stage.fronts;
    const [toNats, all] = [nats.map(({ targets }) => targets), agents.targets];
    for (const front of nats) {
      front.targets = [];
      front.cut();
    }
    agents.targets = all.filter((target) => target !== port);
    // The broker may go on believing in connections that nobody has.
    if (random.chance(0.5)) agents.leave(port);
    else agents.cut(port);
    await delay(random.between(1_000, ofProof(15_000, 2_000)));
    nats.forEach((front, n) => {
      front.targets = toNats[n] ?? [];
    });
    agents.targets = all;
    await delay(random.int(1_000));
    agents.flow();
  }),
};
const NAMES = Object.keys(FAULTS);

/** What is done at once, step by step: each thing by itself, and pairs of them. Without end in the whole form. */
function* schedule(random: Random): Generator<readonly string[]> {
  const some = random.shuffled(NAMES);
  if (!isWhole) {
    for (const name of some.slice(0, 2)) yield [name];
    yield some.slice(2, 4);
    return;
  }
  for (;;) {
    for (const name of random.shuffled(NAMES)) {
      yield [name];
      yield random.shuffled(NAMES).slice(0, 2);
    }
  }
}

/** Does what the schedule says, and lets all go on after each step. @returns how many steps there were */
async function play(stage: ClusterStage, random: Random): Promise<number> {
  await stage.goesOn();
  const until = performance.now() + ofProof(MINUTES * 60_000, 60_000);
  let steps = 0;
  for (const names of schedule(random)) {
    if (performance.now() > until) break;
    await delay(random.int(300));
    steps += 1;
    console.log(`kills-nats ${steps}: ${names.join(', and ')}`);
    await Promise.all(
      names.map((name, n) => {
        stage.note(name);
        return FAULTS[name]?.(stage, random.fork(100 * steps + n));
      }),
    );
    await stage.goesOn();
  }
  await stage.end();
  return steps;
}

describeNats('chats over three brokers and three nats-servers', () => {
  const extent = isWhole ? `${MINUTES} minutes` : 'three steps';
  it(`whatever befalls them, their agents and their hosts, one thing or two at a time, for ${extent} › then what the processes wrote down has no fault`, {
    timeout: ofProof((MINUTES + 15) * 60_000, 180_000),
  }, async () => {
    const random = new Random(proofSeed('kills-nats'));
    const stage = await ClusterStage.start(CAST, random.fork(0));
    onTestFailed(() => {
      for (const { name, log } of stage.brokers) console.log(`--- broker ${name}\n${log.slice(-6_000)}`);
    });
    let lines: Line[] = [];
    let faults: string[] = [];
    let steps = 0;
    try {
      steps = await play(stage, random);
    } finally {
      // Where it does not go on, too: what was written by then says why.
      lines = readLines(stage.lines);
      faults = faultsOf(lines);
      // The first few: one fault may show in many chats.
      if (faults.length > 0) console.log(aboutFaults(faults.slice(0, 8), lines));
      const { PROOF_KEEP } = process.env;
      if (faults.length > 0 && PROOF_KEEP !== undefined) stage.keep(PROOF_KEEP);
    }
    expect(faults).toEqual([]);
    // Otherwise nothing was going on.
    const whole = lines.filter(({ op, kind }) => op === 'event' && kind === 'done').length;
    expect(whole).toBeGreaterThan(steps * 2);
    for (const op of ['run', 'approval', 'told', 'released'])
      expect(lines.filter((line) => line.op === op).length, op).toBeGreaterThan(0);
  });
});
