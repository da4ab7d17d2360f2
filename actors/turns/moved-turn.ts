import { z } from 'zod';
import type { CancelReason } from '../../protocol/chat.ts';
import type { Json } from '../../protocol/turn-journal.ts';
import { chatFrame } from '../connection/encode.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import { absentAgent } from './absent-agent.ts';
import { factsToKeep, type KeptFacts, readKeptFacts } from './kept-facts.ts';
import { LogReader } from './recovered-log.ts';
import { type KeptCancel, restoredTurn, startRestored } from './restored-turn.ts';
import { Kept } from './resume/kept.ts';
import { Refill } from './resume/refill.ts';
import type { TurnLog } from './resume/turn-log.ts';
import type { Turn } from './turn-record.ts';
import { TURNS } from './turns.ts';

/*
 * A turn lives at the broker that its agent is attached to (`docs/cluster.md`). Where the agent comes back at another one, the
 * turn goes there: as what its journal would have of it.
 */

const movedLog = z.object({
  seq: z.number(),
  aseq: z.number(),
  firstSeq: z.number(),
  entries: z.array(z.union([z.string(), z.object({ text: z.string(), delta: z.string().optional() })])),
  dropped: z.array(z.string()).optional(),
  textLength: z.number(),
});

const movedTurn = z.object({
  facts: z.custom<Json>(),
  cancel: z.custom<KeptCancel>().optional(),
  claim: z.string().nullable().optional(),
  log: movedLog,
});

/** A turn on its way from one broker to another. */
export type MovedTurn = z.infer<typeof movedTurn>;

/**
 * What another broker takes a turn over with whose agent is gone from here; undefined where there is none that could go. It stays
 * until that broker has it: see {@link hasMoved}.
 */
export function readyToMove(kernel: Kernel, turnId: string, agentKey: string): MovedTurn | undefined {
  const turn = kernel.get(TURNS).byId.get(turnId);
  if (!turn?.ref || !turn.log || !turn.line || turn.speaker || turn.agent.agentKey !== agentKey) return undefined;
  if (turn.isTerminated || turn.ref.getSnapshot().status !== 'active') return undefined;
  const { log } = turn;
  const { hasTerminal: _none, dropped, entries, ...rest } = log.snapshot();
  const graceMs = turn.graceEndsAt === undefined ? undefined : Math.max(0, turn.graceEndsAt - kernel.clock.now());
  const cancel = graceMs === undefined ? {} : { cancel: cancelOf(turn, graceMs) };
  const claim = log.key.claim as string | null | undefined;
  return {
    facts: factsToKeep(turn, { windowMs: log.windowMs, tokenHash: log.key.tokenHash }),
    ...cancel,
    ...(claim === undefined ? {} : { claim }),
    log: { ...rest, entries: [...entries], dropped: dropped && [...dropped] },
  };
}

/** Another broker has the turn: it ends here, and its readers are told. Unless its agent is here again. */
export function hasMoved(kernel: Kernel, turnId: string): void {
  const turn = kernel.get(TURNS).byId.get(turnId);
  if (turn?.ref && !turn.speaker) tell(kernel.ref, turn.ref, { type: 'turn.moved' });
}

/** While its agent is about to say what it goes on with, a turn does not end for want of it. */
export function awaitAgent({ deadlines }: Kernel, turn: Turn, ms: number): void {
  turn.agentDeadline = deadlines.putOff(turn.agentDeadline, ms);
}

/** While another broker may have a turn already, it does not end here by any deadline. */
export function keepForPeer(kernel: Kernel, turnId: string, ms: number): void {
  const turn = kernel.get(TURNS).byId.get(turnId);
  if (!turn) return;
  awaitAgent(kernel, turn, ms);
  turn.deadline = kernel.deadlines.putOff(turn.deadline, ms);
}

/** Why an agent is told to stop whose turn had ended so at another broker: of the reasons that there are, the nearest. */
const OVER: Readonly<Record<string, CancelReason>> = { cancelled: 'host_cancelled', abandoned: 'host_disconnected' };

/** The turn had ended at the broker that it was taken over from: this copy of it ends, and its agent is told. */
export function isOver(kernel: Kernel, turnId: string, ending: string): void {
  const turn = kernel.get(TURNS).byId.get(turnId);
  if (turn?.ref) tell(kernel.ref, turn.ref, { type: 'turn.over', reason: OVER[ending] ?? 'stale' });
}

/** A turn whose agent is not at its broker. */
export interface LeftTurn {
  readonly id: string;
  /** Its key. */
  readonly agent: string;
  readonly session_key: string;
  /** It is from before that broker was killed. */
  readonly is_recovering: boolean;
  /** The last event of its agent's there. */
  readonly aseq: number;
}

/** Those of this broker: they may have gone on elsewhere. */
export function leftTurns(kernel: Kernel): LeftTurn[] {
  return [...kernel.get(TURNS).byId.values()].flatMap(({ id, agent, sessionKey, log, line, speaker, isRecovering }) => {
    if (!log || !line || speaker) return [];
    const row = { id, agent: agent.agentKey ?? '', session_key: sessionKey };
    return [{ ...row, is_recovering: isRecovering, aseq: line.received }];
  });
}

/** Whether a turn goes on here, or has ended here, that another broker has without its agent. Never at both. */
export function isGoneOnWith(kernel: Kernel, { id, session_key, is_recovering, aseq }: LeftTurn): boolean {
  const { byId, logs } = kernel.get(TURNS);
  const turn = byId.get(id);
  if (!turn) return logs.find(session_key, id, kernel.clock.now()) !== undefined;
  if (turn.sessionKey !== session_key) return false;
  const isNewer = is_recovering && !turn.isRecovering && (turn.line?.received ?? 0) >= aseq;
  return turn.speaker !== undefined || isNewer;
}

function cancelOf({ toldReason }: Turn, graceMs: number): KeptCancel {
  return { ...(toldReason === undefined ? {} : { reason: toldReason }), grace_ends_at: Date.now() + graceMs };
}

/** Takes over a turn of another broker's, whose agent is here. @throws {Error} where it is none */
export function takeOverTurn(kernel: Kernel, said: unknown): void {
  const moved = movedTurn.parse(said);
  const facts = readKeptFacts(moved.facts);
  if (!facts) throw new Error('a turn of another version');
  const { byId, logs, journal } = kernel.get(TURNS);
  if (byId.has(facts.id)) return;
  const agent = absentAgent(kernel, facts.owner.tenant, facts.agent_id, facts.resumes);
  const turn = restoredTurn(kernel, facts, agent);
  const { aseq, firstSeq, entries, dropped, textLength } = moved.log;
  turn.line?.begin(aseq);
  const number = journal?.state === 'ok' ? journal.open(moved.facts) : undefined;
  const log = logs.restore(turn, facts.token_hash, number);
  log.key.restore(moved.claim);
  if (journal && number !== undefined) {
    log.kept = new Kept(journal, number, journal.position);
    if (firstSeq > 1) keepText(log, turn, firstSeq - 1, aseq, dropped);
  }
  const reader = new LogReader(log, turn.line, true);
  let ownLength = 0;
  for (const entry of entries) ownLength += (typeof entry === 'string' ? entry : (entry.delta ?? '')).length;
  reader.begin(firstSeq, textLength - ownLength);
  if (firstSeq > 1) for (const part of dropped ?? [undefined]) reader.dropped(part);
  entries.forEach((entry, at) => {
    const seq = firstSeq + at;
    if (typeof entry === 'string') reader.token(seq, entry);
    else reader.frame(seq, entry.text, entry.delta, false);
  });
  reader.end();
  // Nothing of it is behind: it is all that its readers have had.
  log.isBehind = false;
  startRestored(kernel, turn, log, reader, moved.cancel);
}

/**
 * Puts a turn together from what its agent's ticket says: its broker is gone, and all that was in its log comes again from the
 * agent, with the same numbers. Not where its session has another turn by now.
 */
export function rebuildTurn(
  kernel: Kernel,
  facts: KeptFacts,
  { next = 1, pending_approvals }: { next?: number | undefined; pending_approvals?: readonly string[] | undefined },
): void {
  const { byId, logs, journal, sessions } = kernel.get(TURNS);
  if (byId.has(facts.id) || sessions.live(facts.session_key)) return;
  const turn = restoredTurn(kernel, facts, absentAgent(kernel, facts.owner.tenant, facts.agent_id, facts.resumes));
  const number = journal?.state === 'ok' ? journal.open(facts) : undefined;
  const log = logs.restore(turn, facts.token_hash, number);
  if (journal && number !== undefined) log.kept = new Kept(journal, number, journal.position);
  if (pending_approvals) turn.refill = new Refill(next, pending_approvals);
  startRestored(kernel, turn, log, { approvals: new Map() }, undefined);
  kernel.log.info({ turn: facts.id, agent: facts.agent_id }, 'a turn goes on here whose broker is gone');
}

/** What stands in the journal for events that are no longer kept: their text. */
function keepText(log: TurnLog, turn: Turn, seq: number, aseq: number, dropped: readonly string[] | undefined): void {
  const stamp = { session_id: turn.sessionId, turn_id: turn.id, agent_id: turn.agentId };
  const delta = dropped?.join('') ?? '';
  log.kept?.frame(seq, aseq, chatFrame({ ...stamp, kind: 'token', delta, seq, recovered: true }), delta, false, 0);
}
