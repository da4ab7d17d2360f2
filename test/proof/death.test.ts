import { setTimeout as delay } from 'node:timers/promises';
import { type Agent, connectHost, type Host } from 'switchboard/client';
import { describe, expect, it, onTestFailed } from 'vitest';
import { temporaryDirectory } from '../e2e/support/cleanup.ts';
import { type Daemon, startDaemon } from '../e2e/support/daemon.ts';
import { answerTo, type ChatEnd, endOf, startAgent, startHost, untilSo } from './support/death-scene.ts';
import { ofProof } from './support/extent.ts';
import { proofSeed, Random } from './support/random.ts';
import { beginStart, type Place, startAgain } from './support/restarts.ts';

const DEATHS = ofProof(50, 4);
/** After one death of so many it is killed again while it starts. */
const KILLED_AGAIN = 4;
const AGENTS = ['north', 'south', 'east'];
const HOSTS = 4;
const CHATS = 3;

describe(`a daemon that is killed ${DEATHS} times, at any moment`, () => {
  it('starts again on the same home; all come back, and every chat ends', { timeout: 300_000 }, async () => {
    const random = new Random(proofSeed('death'));
    const home = temporaryDirectory();
    const first = await startDaemon({ home });
    const place: Place = { home, port: Number(new URL(first.url).port) };
    const scene = await openScene(first);
    let daemon = first;
    const ends: ChatEnd[] = [];
    // Where it hangs, who it is that has not come back.
    onTestFailed(() => {
      const standing = [...scene.agents, ...scene.hosts].map(({ status }) => status);
      console.log(
        `after ${ends.length / (HOSTS * CHATS)} deaths: ${standing.join()}\n${daemon.program.out.slice(-2_000)}`,
      );
    });
    for (let death = 0; death < DEATHS; death += 1) {
      const { chats } = await dieInTheMiddle(daemon, scene, random, `p${death}`);
      // Killed again while it starts, too: what that leaves behind must not be in the way either.
      if (death % KILLED_AGAIN === 0) {
        const starting = beginStart(place);
        await delay(random.int(400));
        await starting.kill('SIGKILL');
      }
      daemon = await startAgain(place);
      await untilSo(() => scene.agents.every(({ status }) => status === 'ready'));
      await untilSo(() => scene.hosts.every(({ status }) => status === 'ready'));
      ends.push(...(await chats));
    }
    expect(ends.filter(({ kind }) => kind === 'other')).toEqual([]);
    expect(ends).toHaveLength(DEATHS * HOSTS * CHATS);
    // Otherwise it was killed when nothing was going on.
    expect(ends.filter(({ kind }) => kind === 'retryable').length).toBeGreaterThan(DEATHS);

    const last = scene.hosts.flatMap((host) => AGENTS.map((id) => host.chat(id, 'last').text()));
    expect(new Set(await Promise.all(last))).toEqual(new Set([answerTo('last')]));
    for (const host of scene.hosts) expect(await host.sessions()).toEqual([]);
    expect(daemon.errors).toEqual([]);
  });
});

interface Scene {
  agents: Agent[];
  hosts: Host[];
  home: string;
}

async function openScene(daemon: Daemon): Promise<Scene> {
  const { home } = daemon;
  const agents: Agent[] = [];
  for (const id of AGENTS) agents.push(await startAgent(home, id, await daemon.register(id)));
  const hosts = await Promise.all(Array.from({ length: HOSTS }, () => startHost(home)));
  return { agents, hosts, home };
}

/** Has every host chat, and kills the daemon after so many events of theirs. `chats`: how they end, once they have. */
async function dieInTheMiddle(daemon: Daemon, { hosts, home }: Scene, random: Random, name: string) {
  const moment = random.int(HOSTS * CHATS * 45);
  let heard = 0;
  let kill = () => {};
  const killed = new Promise<void>((resolve) => {
    kill = resolve;
  }).then(() => daemon.program.kill('SIGKILL'));
  const hear = () => {
    heard += 1;
    if (heard === moment + 1) kill();
  };
  const stopWriting = keepWriting(home);
  const chats = hosts.flatMap((host, h) =>
    Array.from({ length: CHATS }, async (_, c) => {
      const prompt = `${name}-${h}-${c}`;
      const chat = host.chat(random.pick(AGENTS), prompt, { resumable: random.chance(0.3) });
      const end = await endOf(chat, hear);
      if (end.kind === 'whole' && end.text !== answerTo(prompt)) throw new Error(`not what ${prompt} was answered`);
      return end;
    }),
  );
  if (moment === 0) kill();
  const ends = Promise.all(chats);
  // All of them were over before its moment came: then it is now.
  void ends.then(kill);
  await killed;
  await stopWriting();
  return { chats: ends };
}

/** Changes the registry all the time, so that some of the deaths come in the middle of a write of its file. */
function keepWriting(home: string): () => Promise<void> {
  let stopped = false;
  const run = (async () => {
    try {
      const manager = await connectHost({ home, env: {}, management: true });
      for (let i = 0; !stopped; i += 1) await manager.agents.upsert({ id: `spare-${i % 5}`, metadata: { i } });
      await manager.close();
    } catch {
      // It was killed: that is what this is for.
    }
  })();
  return async () => {
    stopped = true;
    await run;
  };
}
