import type { LinkedClient, Message } from '../../../support/linked.ts';
import { MemoryDisk, MemoryTurnJournal } from '../../../support/memory-turn-journal.ts';
import { accepting, arrive, ask, type Member, startCluster } from './brokers.ts';

/** So long an agent may be away. Seconds. */
export const WINDOW_S = 30;

/** Three brokers: `a` and `c`, and `b`, which keeps turns on a disk of its own and will be killed. */
export async function startTakeover() {
  // Who they are is not what is tested here.
  const cluster = await startCluster(['a', 'c'], { auth: false, limits: { agentWindowMs: WINDOW_S * 1_000 } });
  const [a, c] = cluster.members as [Member, Member];
  const disk = new MemoryDisk();
  let journal = new MemoryTurnJournal(disk);
  const b = await cluster.start('b', { turnJournal: journal });
  await arrive();
  // Long enough there for everybody to know who is.
  await cluster.pass(5);
  return {
    cluster,
    a,
    b,
    c,
    /** Its agent at a broker; by default it keeps what it says of turns with a ticket. */
    attach: async (member: Member, more: object = { tickets: true }, agent_id = 'bot'): Promise<LinkedClient> => {
      const agent = member.connect();
      await agent.ok('session.auth', { agent_id, token: '', resume: true, ...more });
      await arrive();
      return agent;
    },
    /** `b` is killed, and whoever was connected there has lost that. */
    kill: async (...clients: LinkedClient[]): Promise<void> => {
      journal.kill();
      b.kill();
      for (const client of clients) client.cut();
      await arrive();
    },
    /** It is started again, on its journal. */
    again: async (): Promise<Member> => {
      journal = new MemoryTurnJournal(disk);
      const member = await cluster.start('b', { turnJournal: journal });
      await arrive();
      return member;
    },
    /** Long enough for a silent broker to be thought dead. */
    mourn: () => cluster.pass(6),
  };
}

/** A turn in session `s` that may be resumed, and what its agent was asked with. */
export async function openTurn(host: LinkedClient, agent: LinkedClient, more: object = {}) {
  const said = { agent_id: 'bot', prompt: 'hi', session_id: 's', resume_window_ms: 20_000, ...more };
  const id = host.post('agents.chat', said);
  const asked: Message = await accepting(agent);
  await arrive();
  const turn = { turn_id: asked.turn_id as string, session_id: asked.session_id as string };
  return { turn, ticket: asked.ticket as string, token: host.replyTo(id)?.result.resume_token as string };
}

type Turn = Awaited<ReturnType<typeof openTurn>>['turn'];

/** Events of the turn with these numbers: a text is a token. */
export async function say(agent: LinkedClient, turn: Turn, from: number, ...said: (string | object)[]): Promise<void> {
  for (const [index, each] of said.entries()) {
    const event = typeof each === 'object' ? each : { kind: 'token', delta: each };
    agent.emit(turn.session_id, { ...event, turn_id: turn.turn_id, aseq: from + index });
  }
  await arrive();
}

/** Goes on with turns. The answer may take until a broker is thought dead. */
export const resume = (agent: LinkedClient, ...turns: object[]): number => agent.post('agent.resume', { turns });

export const rowOf = (agent: LinkedClient, id: number): Message => agent.replyTo(id)?.result?.turns[0];

/** What a host was told of the session with a number: `1 a`, `3 done`. */
export const told = (host: LinkedClient): string[] =>
  host
    .events('s')
    .filter(({ seq }) => seq !== undefined)
    .map(({ seq, kind, delta, code }) => [seq, delta ?? kind, code].filter((part) => part !== undefined).join(' '));

export const DONE = { kind: 'done', finish_reason: 'stop' };

/** The live turns that a broker tells of, of all of them. */
export const sessionsOf = async (member: Member): Promise<Message[]> => {
  const manager = member.connect();
  await manager.ok('session.auth', { host_token: 'any' });
  const { result } = await ask(manager, 'agents.chat.sessions');
  manager.close();
  return result.sessions;
};
