import { setTimeout as delay } from 'node:timers/promises';
import type { Agent, Host } from 'switchboard/client';
import { expect, it, onTestFailed } from 'vitest';
import { CutProxy } from '../client/cut-proxy.ts';
import { temporaryDirectory } from '../e2e/support/cleanup.ts';
import { startDaemon } from '../e2e/support/daemon.ts';
import { untilSo } from './support/death-scene.ts';
import { ofProof } from './support/extent.ts';
import { proofSeed, Random } from './support/random.ts';
import { faultsIn, Records, readChat, startReader, startTeller } from './support/restart-scene.ts';
import { beginStart, type Place, startAgain } from './support/restarts.ts';

const KILLS = ofProof(100, 3);
const AGENTS = ['north', 'south', 'east'];
const HOSTS = 4;
/** Chats that each host has at a time. */
const CHATS = ofProof(25, 4);

/** What is done to the wires of the hosts, or of the agents, between two kills. */
const WIRES = {
  'wires that hold': () => {},
  'wires that are cut, or stalled and then cut': (random: Random, wires: CutProxy) => {
    if (random.chance(0.5)) wires.hold();
    setTimeout(() => wires.cut(), random.int(200));
  },
};

it.each(Object.entries(WIRES))(
  `a daemon that is killed ${KILLS} times in the middle of ${HOSTS * CHATS} chats, with %s › every chat that was opened is read to its end, no word missing and none twice`,
  { timeout: 3_600_000 },
  async (_what, disturb) => {
    const random = new Random(proofSeed('restart'));
    const home = temporaryDirectory();
    const env = { SWITCHBOARD_AUTH_TOKEN: 'a-token-that-stays-the-same' };
    const first = await startDaemon({ home, env });
    const place: Place = { home, port: Number(new URL(first.url).port), env };
    const [ofAgents, ofHosts] = [await CutProxy.to(first.url), await CutProxy.to(first.url)];
    const records = new Records();
    const agents: Agent[] = [];
    for (const id of AGENTS) agents.push(await startTeller(records, ofAgents.url, id, await first.register(id)));
    const hosts: Host[] = [];
    for (let n = 0; n < HOSTS; n += 1) hosts.push(await startReader(records, ofHosts.url, first.tokens.daemon));

    let daemon = first;
    let isOver = false;
    onTestFailed(() => console.log(daemon.program.out.slice(-3_000)));
    const chatting = hosts.flatMap((host, h) =>
      Array.from({ length: CHATS }, async (_, c) => {
        for (let n = 0; !isOver; n += 1) {
          const read = await readChat(records, host, random.pick(AGENTS), `h${h}c${c}n${n}`);
          // Nobody is there: it is not tried without a pause.
          if (read.error) await delay(20);
        }
      }),
    );
    for (let kill = 0; kill < KILLS; kill += 1) {
      await delay(random.int(400));
      disturb(random, random.pick([ofAgents, ofHosts]));
      await delay(random.int(400));
      if (random.chance(0.2)) {
        daemon.program.child.kill('SIGSTOP');
        await delay(random.int(300));
      }
      await daemon.program.kill('SIGKILL');
      // Killed again while it starts, too: in the middle of taking up what was there.
      if (random.chance(0.3)) {
        const starting = beginStart(place);
        await delay(200 + random.int(400));
        await starting.kill('SIGKILL');
      }
      daemon = await startAgain(place);
      await untilSo(() => [...agents, ...hosts].every(({ status }) => status === 'ready'));
    }
    isOver = true;
    await Promise.all(chatting);

    const opened = records.reads.filter(({ turn }) => turn !== undefined);
    expect(faultsIn(records)).toEqual([]);
    // Otherwise it was killed when nothing was going on.
    expect(opened.length).toBeGreaterThanOrEqual(HOSTS * CHATS);
    expect(daemon.errors).toEqual([]);
  },
);
