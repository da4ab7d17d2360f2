import { DELTA_BYTES, isDigit, readDigits, readSequence, readTurn } from './delta.ts';
import { Finder } from './finder.ts';
import type { Plan } from './plan.ts';
import { agentId } from './plan.ts';

/** One frame in this many is also parsed as JSON and compared field by field. A prime, so that it meets every turn. */
const DEEP_CHECK_EVERY = 101;

const QUOTE = 0x22;

/** What arrived: `count` deltas of a turn from `sequence` on (more than one where the broker merged them). */
export type Arrival = (turn: number, sequence: number, count: number) => void;

/**
 * Checks what hosts receive: every delta once, in order, at the host that opened its turn, by the deltas' own content.
 * The frame's bytes are read by hand, so that the load stays far cheaper than what it measures. What the target stamps
 * must agree: `seq` with the content on every frame, every other field on one frame in {@link DEEP_CHECK_EVERY}, and all
 * of a merged frame.
 */
export class Checker {
  /** Deltas that arrived as they should. */
  received = 0;
  readonly #plan: Plan;
  readonly #stamps: boolean;
  readonly #onArrival: Arrival;
  /** The last sequence number of each turn. */
  readonly #last: Uint32Array;
  readonly #delta = new Finder('"delta":"');
  readonly #seq = new Finder('"seq":');
  #frames = 0;

  /** @param stamps - whether the target puts `seq` on events. */
  constructor(plan: Plan, stamps: boolean, onArrival: Arrival = () => {}) {
    this.#plan = plan;
    this.#stamps = stamps;
    this.#onArrival = onArrival;
    this.#last = new Uint32Array(plan.turns);
  }

  /** Deltas that are still to come. */
  get missing(): number {
    return this.#plan.turns * this.#plan.deltas - this.received;
  }

  /**
   * Takes a text frame that a host received. False: it carries no delta of ours.
   * @throws {Error} naming what is wrong with it.
   */
  frame(host: number, data: Buffer, start: number, end: number): boolean {
    const first = this.#delta.find(data, start, end);
    if (first < 0) return false;
    const turn = readTurn(data, first);
    const sequence = readSequence(data, first);
    const session = this.#plan.sessions[turn];
    if (turn < 0 || sequence < 0 || !session) throw fault('an altered delta', host, data, start, end);
    if (session.host !== host) throw fault(`a delta of host ${session.host}`, host, data, start, end);
    const expected = (this.#last[turn] as number) + 1;
    if (sequence !== expected) throw fault(`not delta ${expected} of turn ${turn}`, host, data, start, end);

    let count = 1;
    let at = first + DELTA_BYTES;
    for (; data[at] !== QUOTE; at += DELTA_BYTES, count += 1) {
      if (at >= end || readTurn(data, at) !== turn || readSequence(data, at) !== sequence + count) {
        throw fault('a merged delta with a gap', host, data, start, end);
      }
    }
    const last = sequence + count - 1;
    if (last > this.#plan.deltas) throw fault('a delta that nobody sent', host, data, start, end);
    if (this.#stamps && this.#readSeq(data, start, end) !== last) throw fault('a wrong seq', host, data, start, end);
    this.#frames += 1;
    if (count > 1 || this.#frames % DEEP_CHECK_EVERY === 0)
      this.#checkDeeply(host, data, start, end, turn, sequence, last);

    this.#last[turn] = last;
    this.received += count;
    this.#onArrival(turn, sequence, count);
    return true;
  }

  /** @throws {Error} where deltas are missing. */
  finish(): void {
    const turn = this.#last.findIndex((last) => last !== this.#plan.deltas);
    if (turn >= 0) throw new Error(`turn ${turn} ended with ${this.#last[turn]} of ${this.#plan.deltas} deltas`);
  }

  /** The `seq` of a frame, or -1. */
  #readSeq(data: Buffer, start: number, end: number): number {
    const from = this.#seq.find(data, start, end);
    if (from < 0) return -1;
    let to = from;
    while (isDigit(data[to])) to += 1;
    return readDigits(data, from, to);
  }

  #checkDeeply(
    host: number,
    data: Buffer,
    start: number,
    end: number,
    turn: number,
    sequence: number,
    last: number,
  ): void {
    const { method, params } = JSON.parse(data.toString('utf8', start, end));
    const session = this.#plan.sessions[turn];
    const isRight =
      method === 'agents.chat.event' &&
      params.kind === 'token' &&
      params.session_id === session?.sessionId &&
      params.agent_id === agentId(session?.agent ?? -1) &&
      params.delta.length === (last - sequence + 1) * DELTA_BYTES &&
      (!this.#stamps || (params.seq === last && typeof params.turn_id === 'string')) &&
      params.seq_from === (last > sequence ? sequence : undefined);
    if (!isRight) throw fault('a frame with a wrong field', host, data, start, end);
  }
}

function fault(what: string, host: number, data: Buffer, start: number, end: number): Error {
  return new Error(`host ${host} received ${what}: ${data.toString('utf8', start, Math.min(end, start + 500))}`);
}
