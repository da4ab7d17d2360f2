import { Random } from './random.ts';
import { SimAgent } from './sim-agent.ts';
import { SimBroker } from './sim-broker.ts';
import { SimReader } from './sim-reader.ts';
import { type Frames, isLast, type SimEvent, type SimFault, type SimMode } from './sim-records.ts';

/** At most so many steps of a history disturb it; then nobody is disturbed any more, and all has to come to its end. */
const DISTURBED = 1_500;
const CALM = 20_000;

/** What a history came to. */
export interface SimOutcome {
  boots: number;
  /** Frames that came by a connection that was no longer the agent's, and events that came too early. */
  late: number;
  early: number;
  /** Readings that began again after their terminal. */
  rereads: number;
  isLost: boolean;
}

/**
 * One random history of one durable turn, as plain code, without frames, files or clocks: its agent with what it keeps, a broker
 * with a journal, its host, and an observer who reads again what had ended. Connections are cut; what was on its way by an
 * old one may come still, before or after what comes by the next; the broker is killed (what it has written stays), or loses its
 * power (what it has synced stays); the agent dies, or stays away for too long.
 * @throws {Error} where a law is broken: each reader has what the agent said, each event once, in order and by its own `seq`;
 *   exactly one terminal, the same whenever it is read, and nothing after it; whoever kept something is let go of it
 */
export function simulate(seed: number, mode: SimMode, fault?: SimFault): SimOutcome {
  const random = new Random(seed);
  const { chance } = shorthand(random);
  const events = someEvents(random);
  const agent = new SimAgent(events, random, fault);
  const broker = new SimBroker(mode, fault);
  const host = new SimReader('host', events, broker);
  const observer = new SimReader('observer', events, broker);
  const readers = [host, observer];
  /** To the broker, by the agent's connections: each keeps its order, and none waits for another. */
  let lanes: Frames[] = [];
  let conns = 0;
  /** The agent was away for too long. */
  let hasGivenUp = false;
  const outcome = { boots: 1, late: 0, early: 0, rereads: 0, isLost: false };

  const connectAgent = () => {
    conns += 1;
    agent.connected(conns);
    broker.agentConnected(conns);
    lanes.push({ conn: conns, frames: [{ kind: 'resume' }] });
  };
  const cutAgent = () => {
    const lane = lanes.find(({ conn }) => conn === agent.conn);
    // A cut connection loses the last of what it had, and what is left may come late.
    if (lane) lane.frames.splice(random.int(lane.frames.length + 1));
    agent.cut();
    broker.agentGone();
  };
  const crash = (how: 'kill' | 'power') => {
    agent.cut();
    for (const reader of readers) reader.cut();
    lanes = [];
    broker.boot(how);
    outcome.boots += 1;
  };
  const toBroker = () => {
    const waiting = lanes.filter(({ frames }) => frames.length > 0);
    if (waiting.length === 0) return;
    const { conn, frames } = random.pick(waiting);
    for (const frame of frames.splice(0, 1 + random.int(4))) {
      if (conn !== broker.agentConn) outcome.late += 1;
      const arrival = broker.hear(conn, frame);
      if (arrival === 'gap' || arrival === 'ahead') outcome.early += 1;
    }
    // The end of a tick: what was taken is written, and goes out.
    if (broker.flush(() => chance(0.5)) === 'died') crash('kill');
  };
  const disturb = (x: number) => {
    if (x < 0.2) cutAgent();
    else if (x < 0.4) random.pick(readers).cut();
    else if (x < 0.6) crash('kill');
    else if (x < 0.65) hasGivenUp = (broker.windowExpired() && !agent.isOver) || hasGivenUp;
    else if (mode === 'disk') crash('power');
  };

  const calmAt = 50 + random.int(DISTURBED);
  for (let step = 0; step < calmAt + CALM; step += 1) {
    const isCalm = step > calmAt;
    if (!agent.isDead && !agent.isOver && agent.conn === 0 && (isCalm || chance(0.3))) connectAgent();
    if (agent.isMortal && !agent.isDead && chance(0.004)) {
      cutAgent();
      agent.isDead = true;
    }
    if ((agent.isDead || agent.isOver) && isCalm && chance(0.1)) broker.windowExpired();
    for (const reader of readers) {
      if (reader.isConnected || !(isCalm || chance(0.3))) continue;
      if (reader.hasEnded && (reader === host || reader.rereads >= 3)) continue;
      if (reader.hasEnded) outcome.rereads += 1;
      reader.subscribe(random);
    }
    const x = random.next();
    if (x < 0.3) {
      const frame = agent.speak();
      if (frame) lanes.find(({ conn }) => conn === agent.conn)?.frames.push(frame);
    } else if (x < 0.55) toBroker();
    else if (x < 0.75) random.pick(readers).hear();
    else if (x < 0.85) {
      const told = broker.toAgent.shift();
      if (told) agent.hear(told);
    } else if (x < 0.92) broker.sync();
    else if (!isCalm) disturb(random.next());
    const isLetGo = agent.isDead || agent.isOver || agent.acked === events.length;
    if (isCalm && isLetGo && readers.every(({ hasEnded }) => hasEnded) && observer.rereads >= 3) break;
  }
  if (broker.isRefused) throw new Error('the turn ended for an event that was never lost');
  for (const reader of readers) reader.judge();
  outcome.isLost = host.isLost;
  // Nobody says again what was not synced, where its agent is gone for good.
  const isExcused = agent.isDead || hasGivenUp;
  const isForgotten = host.isLost || readers.some(({ wasForgotten }) => wasForgotten);
  if (isForgotten && !isExcused) throw new Error('the turn was lost, and nobody had been away');
  if (!isExcused && agent.acked !== events.length && !agent.isOver) throw new Error('the agent was never let go');
  return outcome;
}

function someEvents(random: Random): SimEvent[] {
  const { chance } = shorthand(random);
  const count = 1 + random.int(30);
  return Array.from({ length: count }, (_, index): SimEvent => {
    if (isLast(index, count)) return { kind: 'done', index };
    return { kind: chance(0.1) ? 'unreadable' : 'token', index };
  });
}

const shorthand = (random: Random) => ({ chance: (p: number) => random.chance(p) });
