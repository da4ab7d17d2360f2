import type { z } from 'zod';
import { WireError } from '../../protocol/errors.ts';
import type { RpcId } from '../../protocol/frame.ts';
import type { Role } from '../../protocol/method.ts';
import { methods, type ParamsOf, type RequestMethod, type ResultOf, requests } from '../../protocol/methods.ts';
import { parseParams } from '../../protocol/params.ts';
import type { Client } from '../connection/client.ts';
import type { BrokerState } from '../kernel/broker-state.ts';
import { answerLater } from './answer-later.ts';
import { checkBacklog } from './backlog.ts';
import { parkAtGate } from './park.ts';
import { reply } from './reply.ts';
import { toWireError } from './wire-errors.ts';

/** A request while it is being carried out. */
export interface Call<P> {
  readonly state: BrokerState;
  readonly from: Client;
  /** Absent where it came as a notification. */
  readonly id: RpcId | undefined;
  readonly params: P;
}

/** What a handler returns that answers for itself, later. */
export const LATER = Symbol('answered later');

/** Carries out one built-in method. What it throws is the answer: a {@link WireError} as it is, the rest as `-32603`. */
export type Handler<K extends RequestMethod> = (call: Call<ParamsOf<K>>) => ResultOf<K> | typeof LATER;

/** Everything that the built-in handlers cover. */
export type Handlers = { [K in RequestMethod]?: Handler<K> };

interface Entry {
  role: Role;
  schema: z.ZodType;
  /** See `MethodSpec.answer`. */
  hasLargeAnswer?: boolean;
  /** See `MethodSpec.shown`. */
  shown?: ((params: unknown) => unknown) | undefined;
  handle(call: Call<unknown>): unknown;
  /** Only of an embedder's methods, which may be asynchronous. */
  timeoutMs?: number;
}

/** Which handler answers which method. A Map, so that a method called `constructor` is just unknown. */
export class Dispatcher {
  readonly #entries = new Map<string, Entry>();

  constructor(handlers: Handlers) {
    for (const [name, handle] of Object.entries(handlers)) {
      const spec = requests.get(name);
      if (!spec) throw new Error(`no such request in the method table: ${name}`);
      const { role, params: schema, shown } = spec;
      const hasLargeAnswer = spec.answer === 'large';
      this.#entries.set(name, { role, schema, hasLargeAnswer, shown, handle: handle as Entry['handle'] });
    }
  }

  /** Adds an embedder's own method. @throws {Error} where the name is taken. */
  add(name: string, entry: Entry): void {
    if (this.#entries.has(name) || Object.hasOwn(methods, name)) throw new Error(`method ${name} exists already`);
    this.#entries.set(name, entry);
  }

  /** Whether anything answers to this name. */
  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** Answers one request, now or later. Never throws (law 11). */
  dispatch(state: BrokerState, from: Client, id: RpcId | undefined, method: string, params: unknown): void {
    state.counters.requests += 1;
    try {
      const entry = this.#entries.get(method);
      if (!entry || (entry.role === 'host' && from.role !== 'host')) throw WireError.methodNotFound();
      const call = { state, from, id, params: parseParams(entry.schema, params) };
      if (entry.hasLargeAnswer) checkBacklog(state, from);
      if (state.gate.covers(method)) parkAtGate(call, method, entry.shown, () => this.#carryOut(call, method, entry));
      else this.#carryOut(call, method, entry);
    } catch (error) {
      reply(state, from, id, { error: toWireError(state, method, error) });
    }
  }

  /** Never throws: after a gate nobody is there to catch it. */
  #carryOut(call: Call<unknown>, method: string, entry: Entry): void {
    const { state, from, id } = call;
    try {
      if (entry.timeoutMs !== undefined) {
        answerLater(call, method, entry.timeoutMs, () => entry.handle(call));
        return;
      }
      const result = entry.handle(call);
      if (result !== LATER) reply(state, from, id, { result });
    } catch (error) {
      reply(state, from, id, { error: toWireError(state, method, error) });
    }
  }
}
