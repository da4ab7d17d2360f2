import { clientFrame } from './client-frame.ts';
import { deltaText } from './delta.ts';

/** How much is to be done, and by how many. */
export interface Work {
  agents: number;
  hosts: number;
  turns: number;
  /** Of each turn. */
  deltas: number;
}

/** One turn of a plan. */
export interface PlannedTurn {
  sessionId: string;
  /** Index of its agent, and of the host that opens it. */
  agent: number;
  host: number;
}

/** What one agent sends, encoded before any clock starts: its turns take turns, delta by delta. */
export interface AgentStream {
  bytes: Buffer;
  /** Where each frame ends in `bytes`. */
  ends: Uint32Array;
}

/** Work, dealt out: each agent's turns go to different hosts, each host's to different agents. */
export interface Plan extends Work {
  sessions: PlannedTurn[];
  streams: AgentStream[];
}

/** The id of an agent that the load plays. */
export function agentId(index: number): string {
  return `bench-agent-${index}`;
}

/** Deals out work and encodes it. */
export function makePlan(work: Work): Plan {
  const sessions = Array.from({ length: work.turns }, (_, turn) => ({
    sessionId: `chat-00000000-0000-4000-8000-${String(turn).padStart(12, '0')}`,
    agent: turn % work.agents,
    host: Math.floor(turn / work.agents) % work.hosts,
  }));
  const streams = Array.from({ length: work.agents }, (_, agent) => encodeStream(sessions, agent, work.deltas));
  return { ...work, sessions, streams };
}

/** The frame in which an agent sends one event of a chat. */
export function chatEventFrame(sessionId: string, event: object): Buffer {
  const params = { session_id: sessionId, ...event };
  return clientFrame(JSON.stringify({ jsonrpc: '2.0', method: 'agent.chat.event', params }));
}

function encodeStream(sessions: readonly PlannedTurn[], agent: number, deltas: number): AgentStream {
  const turns = sessions.flatMap(({ sessionId, agent: owner }, turn) => (owner === agent ? [{ sessionId, turn }] : []));
  const frames: Buffer[] = [];
  for (let sequence = 1; sequence <= deltas; sequence += 1) {
    for (const { sessionId, turn } of turns) {
      frames.push(chatEventFrame(sessionId, { kind: 'token', delta: deltaText(turn, sequence) }));
    }
  }
  const ends = new Uint32Array(frames.length);
  let end = 0;
  for (const [index, frame] of frames.entries()) {
    end += frame.length;
    ends[index] = end;
  }
  return { bytes: Buffer.concat(frames), ends };
}

/** The frames of a stream from one index up to another, as bytes to write. */
export function framesOf({ bytes, ends }: AgentStream, from: number, to: number): Buffer {
  return bytes.subarray(from === 0 ? 0 : ends[from - 1], to === 0 ? 0 : ends[to - 1]);
}
