import type { z } from 'zod';
import { WireError } from '../../protocol/errors.ts';
import type { RpcId } from '../../protocol/frame.ts';
import { readLook, readRoom } from '../../protocol/guest-room.ts';
import { isGuest } from '../../protocol/link.ts';
import type { Place, Role } from '../../protocol/method.ts';
import {
  methods,
  notifications,
  type ParamsOf,
  type RequestMethod,
  type ResultOf,
  requests,
} from '../../protocol/methods.ts';
import { parseParams } from '../../protocol/params.ts';
import { DEFAULT_TENANT, type Principal } from '../../protocol/principal.ts';
import { readTrace, type TraceContext } from '../../protocol/trace.ts';
import type { CallLife } from '../connection/call-life.ts';
import { checkBacklog } from '../kernel/backlog.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { mayAct } from '../kernel/sight.ts';
import { toWireError } from '../kernel/wire-errors.ts';
import { answerLater } from './answer-later.ts';
import { type Answer, reply } from './reply.ts';

/** A request while it is being carried out. */
export interface Call<P> {
  readonly kernel: Kernel;
  readonly from: Client;
  /** Absent where it came as a notification. */
  readonly id: RpcId | undefined;
  readonly params: P;
  /** What it has said of the trace that it belongs to (`docs/protocol.md#traces`). */
  readonly trace: TraceContext | undefined;
  /** Of a guest's: whose turn it names, where that is at the guest's own broker. */
  readonly room?: Principal | undefined;
  /** An `agents.chat.subscribe` that is to say which turn is meant, and takes nothing up. */
  readonly looks?: boolean;
  /** What other brokers have for the answer, by the method that they were asked by. */
  readonly others?: Readonly<Record<string, readonly unknown[]>>;
}

/** What a handler returns that answers for itself, later. */
export const LATER = Symbol('answered later');

/** Carries out one built-in method. What it throws is the answer: a {@link WireError} as it is, the rest as `-32603`. */
export type Handler<K extends RequestMethod> = (call: Call<ParamsOf<K>>) => ResultOf<K> | typeof LATER;

/** Everything that the built-in handlers cover. */
export type Handlers = { [K in RequestMethod]?: Handler<K> };

/** What may have a request wait for somebody's word before it is carried out (`wire.md` section 5). */
export interface RequestGate {
  covers(method: string): boolean;
  /** `shown`: what stands for the parameters. `run` carries it out. @throws {WireError} `-32020` */
  park(call: Call<unknown>, method: string, shown: ((params: unknown) => unknown) | undefined, run: () => void): void;
}

/** Has requests carried out at other brokers of a cluster. */
export interface Elsewhere {
  /** Takes a request; false: it is for this broker alone. @throws {WireError} what it is answered with */
  takes(call: Call<unknown>, method: string, place: Place): boolean;
}

/** Carries out a notification. Its parameters have been checked, and are as they came. */
export type NotificationHandler = (kernel: Kernel, from: Client, params: never) => void;

/** Those of one family, by name. */
export type NotificationHandlers = Readonly<Record<string, NotificationHandler>>;

interface Entry {
  role: Role;
  schema: z.ZodType;
  /** See `MethodSpec.readAs`. */
  readAs?: ((params: unknown) => unknown) | undefined;
  /** See `MethodSpec.answer`. */
  hasLargeAnswer?: boolean;
  /** See `MethodSpec.shown`. */
  shown?: ((params: unknown) => unknown) | undefined;
  /** See `MethodSpec.place`. */
  place?: Place | undefined;
  /** See `MethodSpec.reads`. */
  reads?: boolean;
  /** See `MethodSpec.tellsAll`. */
  tellsAll?: boolean;
  /** See `MethodSpec.audited`. */
  isAudited?: boolean;
  /** `life`: of a call that may take its time. */
  handle(call: Call<unknown>, life?: CallLife): unknown;
  /** Only of an embedder's methods, which may be asynchronous. */
  timeoutMs?: number;
}

/** Whether a method exists for this client. */
const isFor = ({ role, tenant }: Client, entry: Entry): boolean =>
  entry.role !== 'host' || (role === 'host' && (!entry.tellsAll || tenant === DEFAULT_TENANT));

/** The dispatcher of a broker. */
export const DISPATCHER = key<Dispatcher>('the dispatcher');

/** Which handler answers which method. A Map, so that a method called `constructor` is just unknown. */
export class Dispatcher {
  readonly #entries = new Map<string, Entry>();
  #captures = 0;
  readonly #notifications = new Map<string, { schema: z.ZodType; handle: NotificationHandler }>();
  /** Undefined lets everything through. */
  gate: RequestGate | undefined;
  /** Undefined: there is no other broker. */
  elsewhere: Elsewhere | undefined;

  constructor(handlers: Handlers) {
    this.install(handlers);
  }

  /** Adds a family's built-in methods. @throws {Error} where one is not in the method table, or there already */
  install(handlers: Handlers, notified: NotificationHandlers = {}): void {
    for (const [name, handle] of Object.entries(notified)) {
      const spec = notifications.get(name);
      if (!spec || this.#notifications.has(name)) throw new Error(`no such notification, or twice: ${name}`);
      this.#notifications.set(name, { schema: spec.params, handle });
    }
    for (const [name, handle] of Object.entries(handlers)) {
      const spec = requests.get(name);
      if (!spec || this.#entries.has(name)) throw new Error(`no such request in the method table, or twice: ${name}`);
      const { role, params: schema, shown, place, reads = false, tellsAll = false, readAs } = spec;
      const [isAudited, hasLargeAnswer] = [spec.audited === true, spec.answer === 'large'];
      const known = { role, schema, place, reads, tellsAll, readAs, isAudited, hasLargeAnswer, shown };
      this.#entries.set(name, { ...known, handle: handle as Entry['handle'] });
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
  dispatch(kernel: Kernel, from: Client, id: RpcId | undefined, method: string, params: unknown): void {
    kernel.counters.requests += 1;
    try {
      const entry = this.#entries.get(method);
      if (!entry || !isFor(from, entry)) throw WireError.methodNotFound();
      if (!entry.reads && !mayAct(from)) throw WireError.outOfScope('chat');
      const checked = parseParams(entry.schema, entry.readAs?.(params) ?? params);
      const asGuest = isGuest(from.link) ? { room: readRoom(params), looks: readLook(params) } : undefined;
      const call = { kernel, from, id, params: checked, trace: readTrace(params), ...asGuest };
      if (entry.isAudited) kernel.audit.demand();
      if (entry.hasLargeAnswer) checkBacklog(kernel, from);
      // What a guest asks was decided where its connection is.
      if (this.gate?.covers(method) && !isGuest(from.link))
        this.gate.park(call, method, entry.shown, () => this.#carryOut(call, method, entry));
      else this.#carryOut(call, method, entry);
    } catch (error) {
      reply(kernel, from, id, { error: toWireError(kernel, method, error) });
    }
  }

  /** Carries out a notification that is no event of a turn. Never throws; a bad one is counted and logged. */
  notify(kernel: Kernel, from: Client, method: string, params: unknown): void {
    const entry = this.#notifications.get(method);
    if (!entry) {
      kernel.counters.drop('unknown_notification');
      kernel.log.debug({ client: from.id, method: method.slice(0, 128) }, 'dropped an unknown notification');
      return;
    }
    try {
      // Checked, and then passed on as it came: a parsed copy would lose a key named `__proto__`.
      parseParams(entry.schema, params);
      entry.handle(kernel, from, params as never);
    } catch (error) {
      kernel.counters.drop('failed_notification');
      kernel.log.debug({ client: from.id, method, code: (error as WireError).code }, 'a notification failed');
    }
  }

  /** An embedder's method: what it was called with counts until it was answered. @throws {WireError} `-32020` */
  #workOff(call: Call<unknown>, method: string, entry: Entry, timeoutMs: number): void {
    const release = call.kernel.held.hold(call.from, call.params);
    try {
      void answerLater(call, method, timeoutMs, (life) => entry.handle(call, life)).finally(release);
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Never throws: after a gate nobody is there to catch it. */
  #carryOut(call: Call<unknown>, method: string, entry: Entry): void {
    const { kernel, from, id } = call;
    try {
      if (entry.timeoutMs !== undefined) {
        this.#workOff(call, method, entry, entry.timeoutMs);
        return;
      }
      const { place } = entry;
      if (place && this.elsewhere && !isGuest(from.link) && this.elsewhere.takes(call, method, place)) return;
      this.#handle(call, method, entry);
    } catch (error) {
      reply(kernel, from, id, { error: toWireError(kernel, method, error) });
    }
  }

  /**
   * Carries a request out here, whatever else there is, and gives its answer to `settle` in place of whoever asked. Its
   * parameters were checked. Never throws.
   */
  carryOutHere(call: Call<unknown>, method: string, settle: (answer: Answer) => void): void {
    const entry = this.#entries.get(method) as Entry;
    this.#captures += 1;
    // A client that calls a request of its own so takes an answer from nobody but itself.
    const id = `\u0000here-${this.#captures}`;
    call.from.captured.set(id, settle as (answer: unknown) => void);
    this.#handle({ ...call, id }, method, entry);
  }

  #handle(call: Call<unknown>, method: string, entry: Entry): void {
    const { kernel, from, id } = call;
    try {
      const result = entry.handle(call);
      if (result !== LATER) reply(kernel, from, id, { result });
    } catch (error) {
      reply(kernel, from, id, { error: toWireError(kernel, method, error) });
    }
  }
}
