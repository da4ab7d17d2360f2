import type { ActorSystem, ActorSystemInfo, AnyActorRef, AnyMachineSnapshot, EventObject } from 'xstate';

/*
 * What of XState has no public name and is used all the same: it stands here and nowhere else. None of it is promised,
 * so a broker looks at its start whether it is all there.
 */

/** One report of an actor system, as far as the feed reads them. */
export type Report =
  | { type: '@xstate.event'; actorRef: AnyActorRef; sourceRef: AnyActorRef | undefined; event: EventObject }
  | { type: '@xstate.snapshot'; actorRef: AnyActorRef; event: EventObject; snapshot: AnyMachineSnapshot }
  | { type: '@xstate.microstep'; actorRef: AnyActorRef; event: EventObject; snapshot: AnyMachineSnapshot }
  | { type: '@xstate.actor' | '@xstate.action' | '@xstate.transition' };

type System = ActorSystem<ActorSystemInfo>;

interface SystemPrivates {
  _relay(source: AnyActorRef, target: AnyActorRef, event: EventObject): void;
  _sendInspectionEvent(report: Report): void;
}

interface ActorPrivates {
  _send(event: EventObject): void;
}

const privatesOf = (system: System) => system as unknown as SystemPrivates;

/**
 * Looks at the root actor of a broker, before it has started.
 * @throws {Error} where this is an XState that has not what is used here
 */
export function checkXState(root: AnyActorRef): void {
  const { _relay, _sendInspectionEvent } = privatesOf(root.system);
  const missing = [
    typeof _relay === 'function' && _relay.length === 3 ? '' : '_relay(source, target, event)',
    typeof _sendInspectionEvent === 'function' ? '' : '_sendInspectionEvent(report)',
    '_parent' in root ? '' : '_parent',
    '_send' in root ? '' : '_send(event)',
  ].filter((name) => name !== '');
  if (missing.length === 0) return;
  throw new Error(
    `this XState has no ${missing.join(', no ')}: actors/kernel/xstate-privates.ts has to be adapted to it`,
  );
}

/** Hands an event from one actor to another, where inspection sees who sent it: `target.send` would hide that. */
export function relayEvent(source: AnyActorRef, target: AnyActorRef, event: EventObject): void {
  privatesOf(source.system)._relay(source, target, event);
}

/** Whose child an actor is. */
export function parentOf(actor: AnyActorRef): AnyActorRef | undefined {
  return actor._parent;
}

/**
 * Has everything that an actor system reports go to `see`, until the function that it gives is called. Several may see, in the
 * order in which they came, and leave in any: what is put into the system's place is put there once, and taken out with the last.
 *
 * What `system.inspect()` does, without its price: that one copies each report for its observers, two for each actor on
 * a token's way, which alone makes a token five times as dear (law 7). Observers of `system.inspect()` hear as before.
 * @param isDeafTo - that such an event is handed on, or handled without an end, need not be reported. As long as one alone sees,
 * and is deaf to it, nothing is made of it, and observers do not hear of it either.
 */
export function hookInspection(
  system: System,
  see: (report: Report) => void,
  isDeafTo: (event: EventObject) => boolean = () => false,
): () => void {
  const reporting = privatesOf(system);
  const { _sendInspectionEvent: send, _relay: relay } = reporting;
  const hook = hooks.get(system) ?? { send, relay, seeing: [] };
  hooks.set(system, hook);
  // Its own each time, so that whoever sees twice leaves twice.
  const seen: Seeing = { see, isDeafTo };
  arrange(reporting, hook, [...hook.seeing, seen]);
  return () => {
    if (!hook.seeing.includes(seen)) return;
    arrange(
      reporting,
      hook,
      hook.seeing.filter((other) => other !== seen),
    );
    if (hook.seeing.length === 0) hooks.delete(system);
  };
}

interface Seeing {
  see(report: Report): void;
  isDeafTo(event: EventObject): boolean;
}

/** What is in a system's place, and what was there before. */
interface Placed {
  readonly send: SystemPrivates['_sendInspectionEvent'];
  readonly relay: SystemPrivates['_relay'];
  seeing: readonly Seeing[];
}

const hooks = new WeakMap<System, Placed>();

/** On every token's way: of one who sees, one call, and of several no list is walked that may change meanwhile. */
function arrange(reporting: SystemPrivates, hook: Placed, seeing: readonly Seeing[]): void {
  hook.seeing = seeing;
  const { send, relay } = hook;
  const [first, ...others] = seeing;
  reporting._relay = relay;
  if (!first) reporting._sendInspectionEvent = send;
  else if (others.length === 0) {
    const { see, isDeafTo } = first;
    reporting._sendInspectionEvent = (report) => {
      if (report.type === '@xstate.snapshot' && isDeafTo(report.event) && report.snapshot.status === 'active') return;
      see(report);
      send(report);
    };
    reporting._relay = (source, target, event) => {
      if (isDeafTo(event)) (target as AnyActorRef & ActorPrivates)._send(event);
      else relay(source, target, event);
    };
  } else {
    reporting._sendInspectionEvent = (report) => {
      for (const { see } of seeing) see(report);
      send(report);
    };
  }
}
