import type { JsonObject } from '../../../protocol/json.ts';
import type { WatchedActor } from '../../charts/model.ts';
import type { ActorMark, RecordedActor } from './recorded-log.ts';

/** How many of the events that an actor has heard its chart is told. */
const EVENTS_TOLD = 200;

/** How an actor stood at a moment. */
export interface Stand {
  readonly state: readonly string[];
  readonly context: JsonObject;
}

/** The last mark up to a record; -1: there is none. Marks are whole, so any moment is found at once, however many there are. */
export function markAt(marks: readonly { readonly sequence: number }[], sequence: number): number {
  let [low, high] = [0, marks.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((marks[middle]?.sequence ?? 0) <= sequence) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** How an actor stood after a record; undefined where it was not there yet. */
export function standAt({ first, since, marks }: RecordedActor, sequence: number): Stand | undefined {
  if (since > sequence) return undefined;
  const { state, context } = marks[markAt(marks, sequence)] ?? first;
  return { state, context };
}

/** An actor at a moment, as its chart is drawn: one that goes on is told of what it passes, so that this flashes. */
export class Replay {
  readonly actor: RecordedActor;
  #shown: WatchedActor;
  #marks = -1;
  #events = 0;
  #sequence: number;

  constructor(actor: RecordedActor, sequence: number) {
    this.actor = actor;
    this.#sequence = Number.NEGATIVE_INFINITY;
    this.#shown = this.#begun();
    this.moveTo(sequence);
  }

  /** @returns the actor after that record: the same object where it has gone on from where it was. */
  moveTo(sequence: number): WatchedActor {
    if (sequence < this.#sequence) {
      this.#shown = this.#begun();
      this.#marks = -1;
      this.#events = 0;
    }
    const { marks, events } = this.actor;
    const shown = this.#shown;
    const last = markAt(marks, sequence);
    for (const mark of marks.slice(this.#marks + 1, last + 1)) take(shown, mark);
    this.#marks = last;
    const heard = markAt(events, sequence) + 1;
    shown.events.push(...events.slice(Math.max(this.#events, heard - EVENTS_TOLD), heard));
    if (shown.events.length > EVENTS_TOLD) shown.events.splice(0, shown.events.length - EVENTS_TOLD);
    this.#events = heard;
    this.#sequence = sequence;
    return shown;
  }

  #begun(): WatchedActor {
    const { first, now } = this.actor;
    const { state, status, context, label } = first;
    return {
      ...now,
      ...{ state, status, context, label },
      output: undefined,
      endedAtBroker: undefined,
      children: new Set(),
      events: [],
      transitions: [],
    };
  }
}

function take(shown: WatchedActor, { state, status, context, step, at }: ActorMark): void {
  shown.state = state;
  shown.status = status;
  shown.context = context;
  if (status !== 'active') shown.endedAtBroker = at;
  if (step) shown.transitions.push(step);
}
