import type { ChartGraph } from './graph.ts';
import { EVENTS_KEPT, type WatchedActor } from './model.ts';
import { beginningOf, staysFor, takenBy } from './taken.ts';

/** Something of a chart that was just passed: an edge, or a line in a box. */
export interface Flash {
  /** Unique: the same edge may flash again before it has faded. */
  readonly key: number;
  readonly id: string;
  readonly until: number;
}

/** How long a flash lasts. Milliseconds; the style sheet's animation is as long. */
export const FLASH_MS = 1_100;
/** The same line flashes again no sooner than this, however often it is passed. Milliseconds. */
const AGAIN_MS = 350;
const FLASHES_AT_ONCE = 24;

/** Follows one actor along its chart: what it has passed so far, and what it passes now. */
export class Follower {
  /** Edges that were taken, by id, and how often. */
  readonly trail = new Map<string, number>();
  /** Whether it has been followed from its first state: else the way that it came is not known whole. */
  readonly knowsBeginning: boolean;
  flashes: readonly Flash[] = [];
  readonly #graph: ChartGraph;
  readonly #actor: WatchedActor;
  #transitionsSeen: number;
  #eventsSeen: number;
  #key = 0;

  constructor(graph: ChartGraph, actor: WatchedActor) {
    this.#graph = graph;
    this.#actor = actor;
    const begun = beginningOf(graph, actor.transitions[0]?.previous ?? actor.state);
    this.knowsBeginning = begun !== undefined && actor.transitions.length < EVENTS_KEPT;
    this.#pass(begun ?? []);
    for (const step of actor.transitions) this.#pass(takenBy(graph, step).edges);
    this.#transitionsSeen = actor.transitions.at(-1)?.sequence ?? -1;
    this.#eventsSeen = actor.events.at(-1)?.sequence ?? -1;
  }

  /** Takes what is new, and lets fade what is old. @returns whether the drawing differs, or what is said of it. */
  update(now: number): boolean {
    const alight = this.flashes.filter(({ until }) => until > now);
    const lit: string[] = [];
    const steps = since(this.#actor.transitions, this.#transitionsSeen);
    for (const step of steps) {
      const { edges, stays } = takenBy(this.#graph, step);
      this.#pass(edges);
      lit.push(...edges, ...stays);
    }
    for (const { event } of since(this.#actor.events, this.#eventsSeen)) {
      lit.push(...staysFor(this.#graph, event, this.#actor.state));
    }
    this.#transitionsSeen = this.#actor.transitions.at(-1)?.sequence ?? this.#transitionsSeen;
    this.#eventsSeen = this.#actor.events.at(-1)?.sequence ?? this.#eventsSeen;
    for (const id of new Set(lit)) {
      if (alight.some((flash) => flash.id === id && flash.until - FLASH_MS + AGAIN_MS > now)) continue;
      alight.push({ key: this.#key++, id, until: now + FLASH_MS });
    }
    const shown = alight.slice(-FLASHES_AT_ONCE);
    const isSame = shown.length === this.flashes.length && shown.every((flash, index) => flash === this.flashes[index]);
    this.flashes = shown;
    return steps.length > 0 || !isSame;
  }

  #pass(edges: readonly string[]): void {
    for (const id of edges) this.trail.set(id, (this.trail.get(id) ?? 0) + 1);
  }
}

/** The last ones of a list, after a sequence. */
function since<T extends { sequence: number }>(list: readonly T[], sequence: number): T[] {
  let from = list.length;
  while (from > 0 && (list[from - 1]?.sequence ?? -1) > sequence) from -= 1;
  return list.slice(from);
}
