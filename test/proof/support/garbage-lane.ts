import { vi } from 'vitest';
import type { Daemon } from '../../e2e/support/daemon.ts';
import { GarbageClient } from './garbage-client.ts';
import { GarbageSource, type Known, OWN_SESSIONS } from './garbage-source.ts';
import type { Random } from './random.ts';

/** What a connection may send before its rate is near its limit, even where each frame is no message at all. */
const STEPS = 6;
const FRAMES_A_STEP = 100;

/** A host and an agent that talk garbage to each other, again and again on new connections. */
export interface LaneOptions {
  daemon: Daemon;
  port: number;
  agentId: string;
  agentToken: string;
  random: Random;
  strangers: Known['strangers'];
}

/** One life of a lane's two clients, from connecting to leaving. Returns how many frames they sent. */
export async function liveOnce(options: LaneOptions): Promise<number> {
  const { daemon, port, agentId, agentToken, random, strangers } = options;
  const auth = random.chance(0.2) ? { host_token: daemon.tokens.host } : { token: daemon.tokens.daemon };
  const host = await GarbageClient.open(port, auth);
  const agent = await GarbageClient.open(port, { token: agentToken, agent_id: agentId });
  const sessions = Array.from({ length: OWN_SESSIONS }, (_, i) => `${agentId}:${i}`);
  const known: Known = { agentId, sessions, turns: [], approvals: [], calls: [], strangers };
  const hostGoesFirst = random.chance(0.5);
  const sources = [host, agent].map(
    (client, i) => new GarbageSource(random.fork(i), client, known, { agentOpensChats: !hostGoesFirst }),
  );
  const clients = [host, agent];
  let sent = 0;
  for (let step = 0; step < STEPS; step += 1) {
    for (const [i, client] of clients.entries()) client.send(sources[i]?.frames(FRAMES_A_STEP) ?? []);
    sent += clients.length * FRAMES_A_STEP;
    for (const client of clients) await client.settled();
    for (const source of sources) source.learn();
  }
  await part(hostGoesFirst ? [host, agent] : [agent, host], random);
  return sent;
}

/** One goes, and so ends all that the other one waits for from it. */
async function part([first, second]: GarbageClient[], random: Random): Promise<void> {
  if (!first || !second) return;
  const how = () => random.pick(['close', 'reset'] as const);
  await first.leave(how());
  await second.answered(second.caller === 'agent' ? ['tools.execute'] : undefined);
  await second.settled();
  // Turns of an agent that has gone end in slices: what was asked meanwhile may be answered between two of them.
  await vi.waitFor(() => {
    if (second.caller === 'agent' || second.turns.open.length === 0) return;
    throw new Error(`without a terminal: ${second.turns.open}\n${second.describe()}`);
  });
  await second.leave(how());
}
