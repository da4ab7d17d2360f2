import type { AnyActorRef, AnyMachineSnapshot, EventObject } from 'xstate';
import type { TurnValue } from '../../machines/turn-status.ts';
import type { InspectedActor } from '../../protocol/inspect.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Facts } from '../kernel/facts.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Report } from '../kernel/xstate-privates.ts';
import type { Chart } from '../requests/family.ts';
import { describeActor, NO_FACTS } from '../shown/describe.ts';
import { HotTypes, isToken } from '../shown/hot.ts';
import { eventName, isFailure, payloadOf } from '../shown/payload.ts';
import { statePaths } from '../shown/state-paths.ts';
import { viewOf } from '../shown/view.ts';
import type { Turn } from '../turns/turn-record.ts';
import { noteEvent } from './noted.ts';
import type { Tape } from './tape.ts';

/** How much is kept of one event, and of each text in it: a tool's result is to be read. Bytes of JSON, characters. */
const MAX_PAYLOAD_BYTES = 16 * 1024;
const MAX_TEXT = 8 * 1024;
/** How much of what an actor knows. */
const MAX_CONTEXT_BYTES = 16 * 1024;
const MAX_OUTPUT_BYTES = 1024;
/** Steps of one event that are kept: far more than any chart has. */
const MAX_STEPS = 16;

/** So long the description of an actor that belongs to no turn is good for others. Milliseconds. */
const NEAR_MS = 250;

type Heard = Extract<Report, { type: '@xstate.event' }>;
type Stepped = Extract<Report, { type: '@xstate.snapshot' }>;

/** One actor that belongs to a turn: its own, or that of a tool call or of an approval. */
interface Member {
  readonly ref: AnyActorRef;
  readonly tape: Tape;
  readonly machine: string;
  snapshot: AnyMachineSnapshot;
  state: readonly string[];
  steps: string[][];
}

/** What an actor that belongs to no turn works on at this moment: what it sends meanwhile came of that. */
interface Cause {
  readonly event: EventObject;
  readonly source: AnyActorRef | undefined;
  readonly at: number;
  /** Those that it was told to. */
  readonly tapes: Set<Tape>;
}

/** An actor as it was described to a tape, and until when it is so to others. */
interface Near {
  /** Where its chart stood. */
  readonly value: unknown;
  readonly status: string;
  readonly until: number;
  readonly actor: InspectedActor;
  /** As JSON. */
  readonly text: string;
}

/** Where tapes come from. */
export interface Tapes {
  /** The tape of a turn whose actor has just begun. */
  begin(turn: Turn, now: number): Tape;
  /** That of a live one. */
  live(turnId: string): Tape | undefined;
  /** It has ended. */
  ended(tape: Tape): void;
}

/**
 * Makes of what the actor system reports what belongs to a turn: what its actors hear and say, where their charts stand, and
 * what of its host's and its agent's brought that about. It may throw: whoever calls it catches that.
 */
export class Camera {
  readonly #kernel: Kernel;
  readonly #tapes: Tapes;
  /** By their machines' ids. */
  readonly #charts = new Map<string, Chart>();
  readonly #hot: HotTypes;
  /** Weak, both: an actor that breaks says no more of itself, and one that has stopped works on nothing it is sent. */
  readonly #members = new WeakMap<AnyActorRef, Member>();
  readonly #causes = new WeakMap<AnyActorRef, Cause>();
  /** The broker and connections, as they were last described: many turns begin beside the same ones. */
  readonly #near = new WeakMap<AnyActorRef, Near>();

  constructor(kernel: Kernel, charts: readonly Chart[], tapes: Tapes) {
    this.#kernel = kernel;
    this.#tapes = tapes;
    for (const chart of charts) this.#charts.set(chart.machine.id, chart);
    this.#hot = new HotTypes(charts);
  }

  /** Takes one report. On every token's way, eight times: of those it makes nothing. */
  take(report: Report): void {
    if (report.type === '@xstate.event') {
      if (isToken(report.event)) return;
      if (this.#hot.placeOf(report.event) < 0) this.#heard(report);
    } else if (report.type === '@xstate.snapshot') {
      if (isToken(report.event) && report.snapshot.status === 'active') return;
      if (report.snapshot.status !== 'active' || this.#hot.placeOf(report.event) < 0) this.#stepped(report);
    } else if (report.type === '@xstate.microstep') {
      const steps = this.#members.get(report.actorRef)?.steps;
      if (steps && steps.length < MAX_STEPS) steps.push(statePaths(report.snapshot.value));
    }
  }

  #heard({ actorRef, sourceRef, event }: Heard): void {
    if (event.type === 'xstate.init') {
      this.#started(actorRef, sourceRef);
      return;
    }
    const at = this.#kernel.clock.now();
    const member = this.#members.get(actorRef);
    const sender = sourceRef && this.#members.get(sourceRef);
    // A failure makes no snapshot: that its parent hears of it is the first that can be seen.
    if (sender && isFailure(event.type)) this.#ended(sender, 'error', undefined, at);
    if (member) {
      if (sourceRef && !sender) this.#tellCause(member.tape, sourceRef);
      this.#tell(member.tape, actorRef, event, sourceRef, at);
      noteEvent(member.tape.summary, member.machine, event);
      return;
    }
    if (sender) {
      if (this.#isNear(sender.tape, actorRef)) this.#tell(sender.tape, actorRef, event, sourceRef, at);
      noteEvent(sender.tape.summary, 'outside', event);
    } else if (sourceRef) this.#answered(sourceRef, actorRef, event, at);
    if (!this.#causes.has(actorRef)) this.#causes.set(actorRef, { event, source: sourceRef, at, tapes: new Set() });
  }

  /** Whether what an actor of a turn says to this one belongs to the turn: to its host, its agent, or the broker. */
  #isNear({ turn }: Tape, actorRef: AnyActorRef): boolean {
    if (actorRef === this.#kernel.ref) return true;
    return turn !== undefined && (turn.host?.ref === actorRef || turn.agent.ref === actorRef);
  }

  /** The broker answers a request that a turn has heard of. */
  #answered(sourceRef: AnyActorRef, actorRef: AnyActorRef, event: EventObject & { id?: unknown }, at: number): void {
    const cause = this.#causes.get(sourceRef);
    if (!cause || cause.tapes.size === 0 || cause.source !== actorRef || event.id === undefined) return;
    if ((cause.event as { id?: unknown }).id !== event.id) return;
    for (const tape of cause.tapes) this.#tell(tape, actorRef, event, sourceRef, at);
  }

  /** Tells what a member hears of: what brought about that it hears that, and what brought about that. */
  #tellCause(tape: Tape, actorRef: AnyActorRef): void {
    const cause = this.#causes.get(actorRef);
    if (!cause || cause.tapes.has(tape)) return;
    cause.tapes.add(tape);
    if (cause.source) this.#tellCause(tape, cause.source);
    this.#tell(tape, actorRef, cause.event, cause.source, cause.at);
  }

  #tell(tape: Tape, ref: AnyActorRef, event: EventObject, source: AnyActorRef | undefined, at: number): void {
    if (source) this.#meet(tape, source, at);
    this.#meet(tape, ref, at);
    const shown = this.#charts.get((ref.getSnapshot() as Partial<AnyMachineSnapshot>).machine?.id ?? '')?.shown;
    const { value: payload } = payloadOf(event, shown, MAX_PAYLOAD_BYTES, MAX_TEXT);
    const from = source?.sessionId ?? null;
    tape.add({ type: 'event', actor: ref.sessionId, event: eventName(event.type), from, payload }, at);
  }

  /** Describes an actor to a tape that has not heard of it. */
  #meet(tape: Tape, ref: AnyActorRef, at: number): void {
    if (tape.hasMet(ref.sessionId)) return;
    const snapshot = ref.getSnapshot() as AnyMachineSnapshot | undefined;
    if (!snapshot?.machine) return;
    const known = this.#near.get(ref);
    // The broker has a new snapshot with each turn that begins, and stands where it stood.
    if (known && known.value === snapshot.value && known.status === snapshot.status && at < known.until) {
      tape.meet(known.actor, known.text, at);
      return;
    }
    const actor = this.#described(ref, snapshot);
    const { value, status } = snapshot;
    const near = { value, status, until: at + NEAR_MS, actor, text: writeJson(actor) };
    this.#near.set(ref, near);
    tape.meet(actor, near.text, at);
  }

  #started(ref: AnyActorRef, parent: AnyActorRef | undefined): void {
    const snapshot = ref.getSnapshot() as AnyMachineSnapshot | undefined;
    if (!snapshot?.machine) return;
    const machine = snapshot.machine.id;
    const context = snapshot.context as { turn?: Turn };
    const owner = this.#charts.get(machine)?.turnOf?.(context);
    if (!owner) return;
    const at = this.#kernel.clock.now();
    const isTurn = machine === 'turn' && context.turn !== undefined;
    const tape = isTurn ? this.#begin(context.turn as Turn, ref, at) : this.#tapes.live(owner.id);
    if (!tape) return;
    if (isTurn) this.#tellAsked(tape, context.turn as Turn, at);
    else if (parent && !this.#members.has(parent)) this.#tellCause(tape, parent);
    const member = { ref, tape, machine, snapshot, state: statePaths(snapshot.value), steps: [] };
    this.#members.set(ref, member);
    tape.hasMet(ref.sessionId);
    tape.add({ type: 'started', actor: this.#described(ref, snapshot) }, at, isTurn);
    if (machine === 'callback') tape.summary.toolCalled(toolOf(context), 'broker');
    if (machine === 'approval') tape.summary.approvalRaised(at);
    if (isTurn) tape.summary.stands(snapshot.value as TurnValue);
    if (snapshot.status !== 'active') this.#over(member, snapshot, at);
  }

  /** What opened a turn; that is no longer being worked on where it had to wait for its session, or for somebody's word. */
  #tellAsked(tape: Tape, { askers, agentId, sessionId, promptHead }: Turn, at: number): void {
    const [asker] = askers;
    const { ref } = this.#kernel;
    const cause = this.#causes.get(ref)?.event as { method?: unknown; id?: unknown } | undefined;
    if (cause?.method === 'agents.chat' && cause.id === asker?.id) {
      this.#tellCause(tape, ref);
      return;
    }
    if (!asker) return;
    const params = { agent_id: agentId, session_id: sessionId, prompt: promptHead };
    const event = { type: 'rpc.request', id: asker.id, method: 'agents.chat', params };
    this.#tell(tape, ref, event, asker.client.ref as AnyActorRef, at);
  }

  #begin(turn: Turn, ref: AnyActorRef, at: number): Tape {
    const tape = this.#tapes.begin(turn, at);
    tape.turn = turn;
    tape.actorId = ref.sessionId;
    turn.tape = tape;
    for (const near of [this.#kernel.ref, turn.host?.ref, turn.speaker?.ref])
      if (near) this.#meet(tape, near as AnyActorRef, at);
    return tape;
  }

  #stepped({ actorRef, event, snapshot }: Stepped): void {
    if (this.#causes.get(actorRef)?.event === event) this.#causes.delete(actorRef);
    const member = this.#members.get(actorRef);
    if (!member) return;
    const before = member.snapshot;
    member.snapshot = snapshot;
    const { steps } = member;
    if (steps.length > 0) member.steps = [];
    if (snapshot === before || (snapshot.value === before.value && snapshot.status === before.status)) return;
    const previous = member.state;
    const state = statePaths(snapshot.value);
    if (state.join() === previous.join() && snapshot.status === before.status) return;
    member.state = state;
    const at = this.#kernel.clock.now();
    this.#moved(member, event, previous, steps.slice(0, -1), at);
    if (snapshot.status !== 'active') this.#over(member, snapshot, at);
  }

  #moved(
    { ref, tape, machine, snapshot }: Member,
    event: EventObject,
    previous: readonly string[],
    through: string[][],
    at: number,
  ): void {
    if (machine === 'turn') tape.summary.stands(snapshot.value as TurnValue);
    const { id, label, state, status, context } = this.#described(ref, snapshot);
    const record = {
      type: 'transition' as const,
      actor: id,
      event: eventName(event.type),
      state,
      previous: [...previous],
      ...(through.length === 0 ? {} : { through }),
      context,
      status,
      ...(label === undefined ? {} : { label }),
    };
    tape.add(record, at, machine === 'turn');
  }

  #over(member: Member, snapshot: AnyMachineSnapshot, at: number): void {
    this.#ended(member, snapshot.status === 'done' ? 'done' : 'error', snapshot.output, at);
  }

  #ended(member: Member, status: 'done' | 'error', output: unknown, at: number): void {
    const { ref, tape, machine, state } = member;
    this.#members.delete(ref);
    const end = { type: 'ended' as const, actor: ref.sessionId, status, state: [...state] };
    const shown = output === undefined ? {} : { output: viewOf(output, MAX_OUTPUT_BYTES).value };
    tape.add({ ...end, ...shown }, at, machine === 'turn');
    if (machine === 'callback' && (status === 'error' || isFailed(state))) tape.summary.toolFailed('broker');
    if (machine === 'approval') tape.summary.approvalEnded(at);
    if (machine !== 'turn') return;
    if (status === 'error') tape.summary.failed('internal', 'internal error');
    if (tape.turn) tape.turn.tape = undefined;
    tape.end(at);
    this.#tapes.ended(tape);
  }

  #described(ref: AnyActorRef, snapshot: AnyMachineSnapshot) {
    const facts: Facts = this.#charts.get(snapshot.machine.id)?.facts(snapshot.context, this.#kernel) ?? NO_FACTS;
    const { value } = viewOf(facts.fields, MAX_CONTEXT_BYTES, MAX_TEXT);
    return describeActor(ref, snapshot, facts, statePaths(snapshot.value), value);
  }
}

/** The ends of a tool call that are no success. */
const isFailed = ([state]: readonly string[]): boolean => state === 'rejected' || state === 'timedOut';

function toolOf(context: unknown): string {
  return (context as { callback: { spec: { tool: string } } }).callback.spec.tool;
}
