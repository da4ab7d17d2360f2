import type { AnyActorRef } from 'xstate';
import { WireError } from '../../protocol/errors.ts';
import type { TurnJournal } from '../../protocol/turn-journal.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { factsToKeep } from './kept-facts.ts';
import { Kept } from './resume/kept.ts';
import type { OpenedLog } from './resume/turn-logs.ts';
import type { Turn } from './turn-record.ts';
import { TURNS } from './turns.ts';

/** What a chat is told that was to be kept where nothing can be. */
export const unkept = ({ stats }: TurnJournal): WireError => WireError.journalUnwritable(stats.bytes);

/**
 * What `agent.chat` has besides, in a cluster: with it the turn goes on at another broker where this one is gone. Only for an
 * agent that keeps what it says until then.
 */
export function giveTicket(kernel: Kernel, turn: Turn): { ticket?: string } {
  const { tickets, logs } = kernel.get(TURNS);
  const windowMs = logs.windowOf(turn);
  if (!tickets || !turn.line || !turn.agent.keepsTurns || windowMs <= 0) return {};
  const secret = logs.secretOf(turn);
  turn.line.isKeptWhole = true;
  const ticket = tickets.issue(factsToKeep(turn, { windowMs, tokenHash: secret.tokenHash }));
  if (ticket === undefined) {
    turn.line.isKeptWhole = false;
    return {};
  }
  turn.secret = secret;
  return { ticket };
}

/** The log of a turn that its agent has accepted; from now on it is in the journal, where there is one. */
export function openLog(kernel: Kernel, turn: Turn): OpenedLog | undefined {
  const { logs, journal } = kernel.get(TURNS);
  const opened = logs.open(turn);
  turn.secret = undefined;
  if (!opened || !journal) return opened;
  const number = journal.open(factsToKeep(turn, { windowMs: opened.log.windowMs, tokenHash: opened.tokenHash }));
  logs.keep(opened.log, new Kept(journal, number, journal.position));
  return opened;
}

/** Opens its log, and says so once that outlives the broker. That it takes too long, whoever waits for the ack is told. */
export function keepOpening(kernel: Kernel, self: AnyActorRef, turn: Turn): void {
  turn.opened = openLog(kernel, turn);
  const kept = turn.opened?.log.kept;
  turn.deadline = kernel.deadlines.arm(kernel.limits.ackTimeoutMs, () => self.send({ type: 'ack.expired' }));
  turn.stopWaiting = kept?.journal.whenSettled(kept.position, () => self.send({ type: 'opening.kept' }));
}

/** An event of the agent's takes its number, and is none of the turn's. */
export function skipNumber({ log, line }: Turn, aseq: unknown): void {
  if (line) log?.kept?.skip(typeof aseq === 'number' ? aseq : line.received);
}
