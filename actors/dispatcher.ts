import type { z } from 'zod';
import { ErrorCode, WireError } from '../protocol/errors.ts';
import type { RpcId } from '../protocol/frame.ts';
import { unwritable } from '../protocol/json.ts';
import type { Role } from '../protocol/method.ts';
import { methods, type ParamsOf, type RequestMethod, type ResultOf, requests } from '../protocol/methods.ts';
import { parseParams } from '../protocol/params.ts';
import type { BrokerState } from './broker-state.ts';
import type { Client } from './client.ts';
import { parkAtGate } from './park.ts';
import { reply } from './reply.ts';

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
      this.#entries.set(name, { role: spec.role, schema: spec.params, handle: handle as Entry['handle'] });
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
      if (state.gate.covers(method)) parkAtGate(call, method, () => this.#carryOut(call, method, entry));
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
        this.#run(call, method, entry, entry.timeoutMs);
        return;
      }
      const result = entry.handle(call);
      if (result !== LATER) reply(state, from, id, { result });
    } catch (error) {
      reply(state, from, id, { error: toWireError(state, method, error) });
    }
  }

  /** Runs an embedder's handler: it may take its time, but not for ever, and not in any number at once. */
  #run(call: Call<unknown>, method: string, entry: Entry, timeoutMs: number): void {
    const { state, from, id } = call;
    const limit = state.limits.maxPendingRequests;
    if (from.pendingRequests >= limit) throw WireError.limitExceeded('max_pending_requests', limit);
    from.pendingRequests += 1;
    let settled = false;
    const settle = (answer: { result: unknown } | { error: WireError }) => {
      if (settled) return;
      settled = true;
      state.deadlines.disarm(deadline);
      reply(state, from, id, answer);
    };
    const deadline = state.deadlines.arm(timeoutMs, () => settle({ error: WireError.deadlineExceeded(method) }));
    // A handler that gave up its answer still works: it counts until it has really ended.
    Promise.resolve()
      .then(() => entry.handle(call))
      .then((result = null) => {
        if (!isWritable(result)) throw new TypeError('the result of a method is no JSON value, or nested too deeply');
        settle({ result });
      })
      .catch((error: unknown) => settle({ error: toWireError(state, method, error) }))
      .finally(() => {
        from.pendingRequests -= 1;
      });
  }
}

/** What a peer is told of an error: a wire error as it is; of a fault of ours nothing but that it happened. */
export function toWireError(state: BrokerState, where: string, error: unknown): WireError {
  if (error instanceof WireError && isWritable(error.data ?? null)) return error;
  state.log.error({ err: error, where: where.slice(0, 128), code: ErrorCode.InternalError }, 'internal error');
  return WireError.internal();
}

/** Whether a value can be written as JSON, and read again by anybody: an embedder's method may hand over anything. */
export function isWritable(value: unknown): boolean {
  try {
    return unwritable(value) === undefined && JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}
