import type { AnyActorRef, AnyMachineSnapshot, EventObject } from 'xstate';
import type { InspectedActor, InspectRecord } from '../../protocol/inspect.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Facts } from '../kernel/facts.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Report } from '../kernel/xstate-privates.ts';
import type { Chart } from '../requests/family.ts';
import { describeActor, NO_FACTS } from '../shown/describe.ts';
import { HEAD_BYTES } from '../shown/feeds.ts';
import { HotTypes } from '../shown/hot.ts';
import { eventName, isFailure, payloadOf } from '../shown/payload.ts';
import { statePaths } from '../shown/state-paths.ts';
import { type View, viewOf } from '../shown/view.ts';
import { Watched, type Window } from './watched.ts';

/** How long events are counted before single ones are told again, in milliseconds. */
const WINDOW_MS = 1_000;
/** So many of them are told singly by all actors together in that time: what it costs stays small with any number. */
const TOLD_SINGLY_BY_ALL = 1_000;
/** How often bundles are told, in milliseconds. */
const BUNDLE_MS = 250;
/** So many contexts are looked at in one tick, where nothing but them has changed. */
const CONTEXTS_A_TICK = 100;
const MAX_OUTPUT_BYTES = 1024;
/** How much is shown of what an actor knows, in bytes of JSON. */
const MAX_CONTEXT_BYTES = 16 * 1024;
/** How many actors hear one event by the same name, on its way in. */
const HEARERS = 3;
/** Steps of one event that are told: far more than any chart has. */
const MAX_STEPS = 16;

type Unnumbered = InspectRecord extends infer R ? (R extends unknown ? Omit<R, 'sequence' | 'at'> : never) : never;

type HeardReport = Extract<Report, { type: '@xstate.event' }>;

/** Hears of each record, and about how many bytes of JSON it is. */
export type Emit = (record: Unnumbered, bytes: number) => void;

interface Framed extends EventObject {
  method?: unknown;
}

/** Whether this is the feed's own doing: watchers that were told of it would be told of being told, without end. */
function isOwnDelivery(event: Framed): boolean {
  return event.type === 'rpc.notify' && event.method === 'inspect.event';
}

/** Makes records of what the actor system reports. It may throw: whoever calls it catches that. */
export class Recorder {
  readonly #kernel: Kernel;
  readonly #emit: Emit;
  /** By their machines' ids. */
  readonly #charts = new Map<string, Chart>();
  readonly #watched = new Map<unknown, Watched>();
  /** Who heard the last hot events of each type: mostly those that hear the next. */
  readonly #latest: (Watched | undefined)[];
  readonly #hot: HotTypes;
  /** Which of the places of a type is taken next. */
  #turn = 0;
  readonly #window: Window = { number: 1, left: TOLD_SINGLY_BY_ALL };
  #windowSince = 0;
  #bundlesSince = 0;
  /** Actors whose context is still to be looked at in this window. */
  #unlooked: Iterator<Watched> | undefined;

  constructor(kernel: Kernel, charts: readonly Chart[], emit: Emit) {
    this.#kernel = kernel;
    for (const chart of charts) this.#charts.set(chart.machine.id, chart);
    this.#hot = new HotTypes(charts);
    this.#latest = new Array(this.#hot.size * HEARERS).fill(undefined);
    this.#emit = emit;
  }

  /** Takes one report of the actor system. */
  take(report: Report): void {
    if (report.type === '@xstate.event') {
      const place = this.#hot.placeOf(report.event);
      if (place < 0) this.#heard(report);
      else this.#heardHot(place, report);
    } else if (report.type === '@xstate.snapshot') {
      // Handled off the chart. One that moved it all the same is seen when its context is looked at.
      if (!this.#hot.isOffChart(report.event.type) || report.snapshot.status !== 'active') this.#stepped(report);
    } else if (report.type === '@xstate.microstep') {
      const steps = this.#watched.get(report.actorRef)?.steps;
      if (steps && steps.length < MAX_STEPS) steps.push(statePaths(report.snapshot.value));
    }
  }

  /** Tells what was held back and is due. */
  tick(now: number): void {
    if (now - this.#bundlesSince >= BUNDLE_MS) {
      this.#bundlesSince = now;
      for (const watched of this.#watched.values()) this.#tellBundles(watched);
    }
    if (now - this.#windowSince >= WINDOW_MS) {
      this.#windowSince = now;
      this.#window.number += 1;
      this.#window.left = TOLD_SINGLY_BY_ALL;
      this.#unlooked ??= this.#watched.values();
    }
    this.#tellContexts();
  }

  /** One live actor as it stands, from here on followed; undefined where it has ended. */
  describe(ref: AnyActorRef, how: { withContext: boolean }): { actor: InspectedActor; bytes: number } | undefined {
    const watched = this.#follow(ref);
    if (!watched) return undefined;
    this.#tellBundles(watched);
    return this.#actorOf(watched, how);
  }

  /** On every token's way, four times: nothing is made here, and hardly anything looked up. */
  #heardHot(place: number, { actorRef, sourceRef, event }: HeardReport): void {
    const watched = this.#latestOf(place, actorRef);
    if (!watched) return;
    watched.isTouched = true;
    if (watched.isToldSingly(this.#window)) this.#tellEvent(watched, event, sourceRef, 1);
    else watched.bundle(place, event, sourceRef);
  }

  /** One event goes by the same name through three actors, and to the same three each time. */
  #latestOf(place: number, ref: unknown): Watched | undefined {
    const first = place * HEARERS;
    for (let at = first; at < first + HEARERS; at += 1) {
      const latest = this.#latest[at];
      if (latest?.ref === ref) return latest;
    }
    const watched = this.#watched.get(ref) ?? this.#follow(ref);
    if (!watched) return undefined;
    this.#latest[first + this.#turn] = watched;
    this.#turn = (this.#turn + 1) % HEARERS;
    return watched;
  }

  #heard({ actorRef, sourceRef, event }: HeardReport): void {
    if (isOwnDelivery(event)) return;
    if (event.type === 'xstate.init') {
      this.#started(actorRef as AnyActorRef);
      return;
    }
    const source = sourceRef && this.#watched.get(sourceRef);
    // A failure makes no snapshot: that its parent hears of it is the first that can be seen.
    if (source && isFailure(event.type)) this.#ended(source, 'error', undefined);
    const watched = this.#follow(actorRef);
    if (!watched) return;
    watched.isTouched = true;
    this.#tellBundles(watched);
    this.#tellEvent(watched, event, sourceRef, 1);
  }

  #stepped({ actorRef, event, snapshot }: Extract<Report, { type: '@xstate.snapshot' }>): void {
    const watched = this.#watched.get(actorRef);
    if (!watched) return;
    this.#moved(watched, snapshot, event.type);
    if (watched.steps.length > 0) watched.steps = [];
  }

  /** Tells of a chart that stands elsewhere than before. */
  #moved(watched: Watched, snapshot: AnyMachineSnapshot, eventType: string): void {
    const before = watched.snapshot;
    if (snapshot === before) return;
    watched.snapshot = snapshot;
    if (snapshot.value === before.value && snapshot.status === before.status) return;
    const previous = watched.state;
    const state = statePaths(snapshot.value);
    if (state.join() === previous.join() && snapshot.status === before.status) return;
    watched.state = state;
    this.#tellBundles(watched);
    this.#tellTransition(watched, eventType, previous);
    if (snapshot.status !== 'active')
      this.#ended(watched, snapshot.status === 'done' ? 'done' : 'error', snapshot.output);
  }

  #started(ref: AnyActorRef): void {
    const watched = this.#follow(ref);
    if (!watched) return;
    const { actor, bytes } = this.#actorOf(watched);
    this.#emit({ type: 'started', actor }, bytes);
  }

  #ended(watched: Watched, status: 'done' | 'error', output: unknown): void {
    this.#watched.delete(watched.ref);
    this.#latest.fill(undefined);
    this.#tellBundles(watched);
    const seen = output === undefined ? undefined : viewOf(output, MAX_OUTPUT_BYTES);
    const end = { type: 'ended' as const, actor: watched.id, status, state: [...watched.state] };
    this.#emit(seen ? { ...end, output: seen.value } : end, HEAD_BYTES + (seen?.bytes ?? 0));
  }

  /** What is known of an actor; undefined of one that has ended, which still may be sent something. */
  #follow(ref: unknown): Watched | undefined {
    const known = this.#watched.get(ref);
    if (known) return known;
    const actor = ref as AnyActorRef;
    const snapshot = actor.getSnapshot() as AnyMachineSnapshot | undefined;
    if (snapshot?.status !== 'active' || !snapshot.machine) return undefined;
    const watched = new Watched(actor, snapshot);
    this.#watched.set(ref, watched);
    return watched;
  }

  /** What an actor knows, read from the record that its chart's context holds. */
  #factsOf({ machine, context }: AnyMachineSnapshot): Facts {
    return this.#charts.get(machine.id)?.facts(context, this.#kernel) ?? NO_FACTS;
  }

  #actorOf(watched: Watched, { withContext } = { withContext: true }): { actor: InspectedActor; bytes: number } {
    const { ref, snapshot, state } = watched;
    const facts = this.#factsOf(snapshot);
    const { value, bytes } = withContext ? contextView(facts) : { value: {}, bytes: 0 };
    if (withContext) watched.contextText = writeJson(value);
    // One whose context was left out is told of with the next ones that have changed.
    watched.isTouched = !withContext;
    const actor = describeActor(ref, snapshot, facts, state, value);
    return { actor, bytes: HEAD_BYTES * 2 + bytes };
  }

  #tellEvent(watched: Watched, event: EventObject, source: AnyActorRef | undefined, count: number): void {
    const from = source?.sessionId ?? null;
    const { value: payload, bytes } = payloadOf(event, this.#charts.get(watched.snapshot.machine.id)?.shown);
    const record = { type: 'event', actor: watched.id, event: eventName(event.type), from, payload } as const;
    this.#emit(count === 1 ? record : { ...record, count }, HEAD_BYTES + bytes);
  }

  #tellBundles(watched: Watched): void {
    if (!watched.hasBundles) return;
    for (const { last, source, count } of watched.takeBundles()) {
      if (last) this.#tellEvent(watched, last, source, count);
    }
  }

  #tellTransition(watched: Watched, eventType: string, previous: readonly string[]): void {
    const { actor, bytes } = this.#actorOf(watched);
    const { id, label, state, status, context } = actor;
    const event = eventName(eventType);
    const through = watched.steps.slice(0, -1);
    const record = {
      type: 'transition' as const,
      actor: id,
      event,
      state,
      previous: [...previous],
      ...(through.length === 0 ? {} : { through }),
      context,
      status,
      ...(label === undefined ? {} : { label }),
    };
    this.#emit(record, bytes);
  }

  /** Of actors that have heard something and stayed where they are: what they know by now, each once a window. */
  #tellContexts(): void {
    for (let looked = 0; this.#unlooked && looked < CONTEXTS_A_TICK; ) {
      const { value: watched, done } = this.#unlooked.next();
      if (done) {
        this.#unlooked = undefined;
        return;
      }
      if (!watched.isTouched) continue;
      looked += 1;
      this.#moved(watched, watched.ref.getSnapshot(), '');
      const before = watched.contextText;
      const view = contextView(this.#factsOf(watched.snapshot));
      watched.isTouched = false;
      if (writeJson(view.value) !== before) this.#tellTransition(watched, '', watched.state);
    }
  }
}

/** What an actor knows, as watchers may see it. */
function contextView({ fields }: Facts): View {
  return viewOf(fields, MAX_CONTEXT_BYTES);
}
