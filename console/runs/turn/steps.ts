import { visibleLine } from '../../../protocol/visible.ts';
import { field } from '../../charts/payload.ts';
import type { RecordedActor, RecordedLog } from './recorded-log.ts';

/** A transition of one of the turn's actors. */
export interface TurnStep {
  /** Its record. */
  readonly sequence: number;
  readonly at: number;
  /** Whose it is: `turn`, `grep`, `approval bash`. */
  readonly who: string;
  /** What changed: `streaming → parked`. */
  readonly way: string;
  /** On what. */
  readonly event: string;
  readonly isBad: boolean;
}

/** Where a turn stands as a rule, and nobody has to be told. */
const USUAL = /^live\.(host|agent)\.here$/;
const BAD = /^(failed|refused|abandoned|rejected|timedOut|denied|expired)$/;

/** The transitions of the turn, its tool calls and its approvals, in order. */
export function stepsOf({ actors }: RecordedLog): TurnStep[] {
  const steps: TurnStep[] = [];
  for (const actor of actors.values()) {
    const { machine } = actor.first;
    if (machine === 'connection' || machine === 'broker') continue;
    for (const { step } of actor.marks) {
      if (!step) continue;
      const { sequence, at, event, state, previous } = step;
      const left = previous.filter((path) => !state.includes(path) && !USUAL.test(path)).map(nameOf);
      const isEntered = !previous.some((path) => path.startsWith('live.'));
      const come = state.filter((path) => !previous.includes(path) && !(isEntered && USUAL.test(path))).map(nameOf);
      if (come.length === 0) continue;
      const isBad = come.some((name) => BAD.test(name));
      steps.push({ sequence, at, who: whoOf(actor), way: `${left.join(', ')} → ${come.join(', ')}`, event, isBad });
    }
  }
  return steps.sort((a, b) => a.sequence - b.sequence);
}

/** A state of the turn's regions by its region, but for its work: `host away`, `streaming`. */
const nameOf = (path: string): string => path.replace(/^live\.(work\.)?/, '').replaceAll('.', ' ');

/** Where an actor stands, in few words. */
export function standingOf(state: readonly string[]): string {
  return state
    .filter((path) => !USUAL.test(path))
    .map(nameOf)
    .join(', ');
}

/** Whose chart it is, for people: `turn`, `callback grep`, `approval bash`. */
export function whoOf({ first: { machine }, now: { label, name, context } }: RecordedActor): string {
  if (machine === 'turn') return 'turn';
  // A gate's action is a method: what it holds back says more.
  const tool = field(context.details, 'tool');
  return `${machine} ${visibleLine((tool ?? label ?? name).slice(0, 60))}`;
}
