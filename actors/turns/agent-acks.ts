import type { Client } from '../kernel/client.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { slot } from '../kernel/slots.ts';
import { tell } from '../kernel/tell.ts';
import type { AgentLine } from './resume/agent-line.ts';
import type { Turn } from './turn-record.ts';
import { TURNS } from './turns.ts';

/** Turns that have ended, and one connection still sends events of before it is told so. */
const MAX_OVER = 1_000;

/** A turn that the agent is to be told of. */
interface Due {
  readonly turn: Turn;
  readonly line: AgentLine;
}

/** What one connection of an agent is to be told of its events. */
class Acks {
  turns: Due[] = [];
  /** Of turns that are over: the last `aseq` that came. */
  readonly over = new Map<string, number>();
  /** Of the events since it was told last. */
  bytes = 0;
  deadline: Deadline | undefined;
  /** Something waits for the journal: how it is taken back. What comes meanwhile waits for that. */
  takeBack: (() => void) | undefined;
}

const acks = slot(() => new Acks());

/** An event of this turn was taken. Its agent is told so soon, and where there is a journal once that has it. */
export function noteArrival(kernel: Kernel, client: Client, turn: Turn, line: AgentLine, bytes: number): void {
  const due = acks.of(client);
  if (!line.isAckDue) {
    line.isAckDue = true;
    due.turns.push({ turn, line });
    arm(kernel, client, due);
  }
  due.bytes += bytes;
  if (due.bytes >= kernel.limits.agentAckBytes) tellArrivals(kernel, client, due);
}

/** An event of a turn that is over has come: its agent keeps it for nobody. */
export function noteOver(kernel: Kernel, client: Client, turnId: unknown, aseq: unknown): void {
  if (!client.resumes || typeof turnId !== 'string' || !Number.isSafeInteger(aseq) || (aseq as number) < 0) return;
  const due = acks.of(client);
  due.over.set(turnId, Math.max(due.over.get(turnId) ?? 0, aseq as number));
  if (due.over.size < MAX_OVER) arm(kernel, client, due);
  else if (!due.takeBack) tellArrivals(kernel, client, due);
  // They wait for a journal that cannot be written. Of the oldest its agent hears when it names its turns again.
  else if (due.over.size > MAX_OVER) for (const oldest of due.over.keys()) return void due.over.delete(oldest);
}

/** The connection is gone: nobody is told. */
export function forgetArrivals(kernel: Kernel, client: Client): void {
  const due = acks.peek(client);
  if (!due) return;
  kernel.deadlines.disarm(due.deadline);
  due.deadline = undefined;
  due.takeBack?.();
  due.takeBack = undefined;
  for (const { line } of due.turns) line.isAckDue = false;
  due.turns = [];
  due.over.clear();
}

function arm(kernel: Kernel, client: Client, due: Acks): void {
  due.deadline ??= kernel.deadlines.arm(kernel.limits.agentAckMs, () => tellArrivals(kernel, client, due));
}

function tellArrivals(kernel: Kernel, client: Client, due: Acks): void {
  kernel.deadlines.disarm(due.deadline);
  due.deadline = undefined;
  due.bytes = 0;
  const { journal } = kernel.get(TURNS);
  // What is in no journal waits for none.
  tellRows(kernel, client, journal ? take(due, isNotKept) : [...take(due, () => true), ...takeOver(due)]);
  if (!journal || due.takeBack || (due.turns.length === 0 && due.over.size === 0)) return;
  const rows = [...take(due, isInJournal), ...takeOver(due)];
  let isTold = false;
  const takeBack = journal.whenSettled(journal.position, () => {
    isTold = true;
    due.takeBack = undefined;
    tellRows(kernel, client, rows);
    if (due.turns.length > 0 || due.over.size > 0) arm(kernel, client, due);
  });
  if (isTold) return;
  due.takeBack = takeBack;
}

const isNotKept = ({ turn }: Due) => turn.isAccepted && !turn.log;
/** Before its acceptance nothing of a turn is in the journal. */
const isInJournal = ({ turn }: Due) => turn.isAccepted || turn.status === 'refused';

interface Row {
  readonly id: string;
  readonly aseq: number;
  readonly due?: Due;
}

/** Takes out the turns that are meant, each with how far it has come. */
function take(due: Acks, isMeant: (due: Due) => boolean): Row[] {
  const rows: Row[] = [];
  const left: Due[] = [];
  for (const one of due.turns) {
    const { turn, line } = one;
    if (!isMeant(one)) {
      left.push(one);
      continue;
    }
    line.isAckDue = false;
    rows.push({ id: turn.id, aseq: line.received, due: one });
  }
  due.turns = left;
  return rows;
}

/** The same of those that are over. */
function takeOver(due: Acks): Row[] {
  const rows = [...due.over].map(([id, aseq]) => ({ id, aseq }));
  due.over.clear();
  return rows;
}

function tellRows(kernel: Kernel, client: Client, rows: readonly Row[]): void {
  for (const { due, aseq } of rows) due?.line.release(aseq);
  if (!client.isOpen || rows.length === 0) return;
  const acks = rows.map((row) => [row.id, row.aseq, releasedOf(row)]);
  tell(kernel.ref, client.ref, { type: 'rpc.notify', method: 'agent.chat.ack', params: { acks } });
}

/** Of a turn that its agent keeps whole nothing is released before it has ended: its broker may be gone with what it has. */
function releasedOf({ aseq, due }: Row): number {
  return due?.line.isKeptWhole && !due.turn.isTerminated ? due.line.released : aseq;
}
