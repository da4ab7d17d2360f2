import type { Interruption } from 'switchboard/client';
import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../protocol/errors.ts';
import { startDaemon } from '../e2e/support/daemon.ts';
import { untilSo } from './support/death-scene.ts';
import { ofProof } from './support/extent.ts';
import { expectNothingLeft } from './support/leftovers.ts';
import { expectWhole, read, startAgent, startHost } from './support/network-scene.ts';
import { HostileProxy } from './support/proxy.ts';
import { proofSeed, Random } from './support/random.ts';

const AGENTS = ['north', 'south', 'east', 'west'];
const HOSTS = ofProof(20, 8);
const CHATS = 10;
/** Fewer would be no hostile network. */
const CUTS_PER_HOST = 5;
const HOSTILE = { delays: 0.2, stalls: 0.02, drips: 0.1 };

describe('a network that cuts, stalls, delays and drips', () => {
  it(`takes nothing from ${HOSTS * CHATS} chats at once: all text arrives whole, once and in order`, {
    timeout: 60_000,
  }, async () => {
    const random = new Random(proofSeed('network'));
    const daemon = await startDaemon({ flags: ['--log-level', 'info'] });
    const forHosts = await HostileProxy.to(daemon.url, random.fork(1));
    // Theirs is as slow, and is never cut: that has a proof of its own, below.
    const forAgents = await HostileProxy.to(daemon.url, random.fork(2));
    const agents = [];
    for (const id of AGENTS) agents.push(await startAgent(daemon, id, forAgents.url));
    const hosts = await Promise.all(Array.from({ length: HOSTS }, () => startHost(daemon, forHosts.url)));

    const heard: Interruption[] = [];
    const chats = hosts.flatMap((host, h) =>
      Array.from({ length: CHATS }, (_, c) => {
        const prompt = `${random.chance(0.2) ? 'ask' : 'say'}-${h}-${c}`;
        const onInterruption = (interruption: Interruption) => heard.push(interruption);
        return { prompt, chat: host.chat(random.pick(AGENTS), prompt, { resumable: true, onInterruption }) };
      }),
    );
    await Promise.all(chats.map(({ chat }) => chat.ack));
    forHosts.rage({ ...HOSTILE, bytesPerCut: 12_000, cuts: 400 });
    forAgents.rage(HOSTILE);
    const answers = await Promise.all(chats.map(async ({ prompt, chat }) => ({ prompt, ...(await read(chat)) })));

    for (const { prompt, ...answer } of answers) await expectWhole(prompt, answer);
    expect(forHosts.cuts).toBeGreaterThan(HOSTS * CUTS_PER_HOST);
    expect(heard.filter(({ state }) => state === 'resumed').length).toBeGreaterThan(chats.length);
    // Every event was still in the log: no text had to stand for what was lost.
    expect(heard.filter((each) => each.state === 'resumed' && !each.recovered)).toEqual([]);

    await Promise.all([...hosts, ...agents].map((client) => client.close()));
    await expectNothingLeft(daemon);
  });

  it('lets every chat that is opened in it be whole, whichever answer is lost', { timeout: 60_000 }, async () => {
    const random = new Random(proofSeed('network-opening'));
    const daemon = await startDaemon({ flags: ['--log-level', 'info'] });
    await startAgent(daemon, 'north', daemon.url);
    const proxy = await HostileProxy.to(daemon.url, random);
    const hosts = await Promise.all(Array.from({ length: HOSTS }, () => startHost(daemon, proxy.url)));
    proxy.rage({ ...HOSTILE, bytesPerCut: 1_500, cuts: 300 });
    const answers = hosts.map(async (host, h) => {
      for (let attempt = 0; ; attempt += 1) {
        const prompt = `say-${h}-${attempt}`;
        try {
          return { prompt, ...(await read(host.chat('north', prompt, { resumable: true }))) };
        } catch (error) {
          // Its agent was too slow for it, on this machine.
          expect(error).toMatchObject({ code: ErrorCode.AgentAckTimeout });
        }
      }
    });
    for (const { prompt, ...answer } of await Promise.all(answers)) await expectWhole(prompt, answer);
  });

  it('that cuts an agent off takes nothing from its turns: they go on when it is back', {
    timeout: 60_000,
  }, async () => {
    const random = new Random(proofSeed('network-agents'));
    const daemon = await startDaemon({ flags: ['--log-level', 'info'] });
    const proxy = await HostileProxy.to(daemon.url, random);
    const agent = await startAgent(daemon, 'north', proxy.url);
    const host = await startHost(daemon, daemon.url);
    const chats = Array.from({ length: CHATS }, (_, c) => ({
      prompt: `say-${c}`,
      chat: host.chat('north', `say-${c}`),
    }));
    await Promise.all(chats.map(({ chat }) => chat.ack));
    proxy.rage({ ...HOSTILE, bytesPerCut: 5_000, cuts: 5 });
    const ends = await Promise.all(chats.map(async ({ prompt, chat }) => ({ prompt, ...(await read(chat)) })));
    for (const { prompt, ...answer } of ends) await expectWhole(prompt, answer);
    expect(proxy.cuts).toBeGreaterThan(0);
    // All of them are that agent's, and were told so.
    expect(ends.filter(({ absences }) => absences === 0)).toEqual([]);

    proxy.calm();
    await untilSo(() => agent.status === 'ready');
    await expectWhole('say-again', await read(host.chat('north', 'say-again')));
  });
});
